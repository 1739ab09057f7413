// SPDX-License-Identifier: Apache-2.0
import { mount } from 'svelte';
import '../lib/base.css';
import './host.css';
import { box } from '../lib/box.svelte';
import Host from './Host.svelte';

const page = document.getElementById('page');
if (page) mount(Host, { target: page });
box.start();

// SPDX-License-Identifier: Apache-2.0
import { mount } from 'svelte';
import '../lib/base.css';
import { box } from '../lib/box.svelte';
import Operate from './Operate.svelte';

const page = document.getElementById('page');
if (page) mount(Operate, { target: page });
box.start();

// SPDX-License-Identifier: Apache-2.0
import { mount } from 'svelte';
import '../lib/base.css';
import './setup.css';
import { box } from '../lib/box.svelte';
import Setup from './Setup.svelte';

const page = document.getElementById('page');
if (page) mount(Setup, { target: page });
box.start();

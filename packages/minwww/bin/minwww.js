#!/usr/bin/env node
import module from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

// Node 22 and later keep what they have compiled, in a directory that nobody else can write to, as /tmp is. NODE_COMPILE_CACHE names
// another, NODE_DISABLE_COMPILE_CACHE=1 none. A directory that cannot be made is no error: then nothing is kept.
const { XDG_CACHE_HOME, NODE_COMPILE_CACHE } = process.env
try {
  module.enableCompileCache?.(NODE_COMPILE_CACHE ?? join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'minwww'))
} catch { /* somebody without a home */ }
await import('../dist/main.js')

/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`packages/minwww-server/test/egress.test.ts > TAP > what an exit learns of a bottleneck that its clients share > must match snapshot 1`] = `
16 KB/s, loss 0 %, 1 clients: 16 KB/s, 16.0 to 16.0 each, 66.7 % dropped, limit none
16 KB/s, loss 0 %, 2 clients: 13 KB/s, 6.4 to 6.4 each, 0.0 % dropped, limit 11
16 KB/s, loss 0 %, 5 clients: 15 KB/s, 2.9 to 3.0 each, 0.0 % dropped, limit 13
16 KB/s, loss 0 %, 50 clients: 16 KB/s, 0.1 to 1.1 each, 99.3 % dropped, limit none
64 KB/s, loss 0 %, 1 clients: 48 KB/s, 48.0 to 48.0 each, 0.0 % dropped, limit none
64 KB/s, loss 0 %, 2 clients: 64 KB/s, 31.8 to 31.9 each, 0.0 % dropped, limit 64
64 KB/s, loss 0 %, 5 clients: 64 KB/s, 12.7 to 12.8 each, 0.0 % dropped, limit 58
64 KB/s, loss 0 %, 50 clients: 64 KB/s, 1.2 to 1.4 each, 2.0 % dropped, limit 64
256 KB/s, loss 0 %, 1 clients: 192 KB/s, 192.0 to 192.0 each, 0.0 % dropped, limit none
256 KB/s, loss 0 %, 2 clients: 255 KB/s, 127.7 to 127.8 each, 0.0 % dropped, limit 261
256 KB/s, loss 0 %, 5 clients: 255 KB/s, 51.0 to 51.1 each, 0.0 % dropped, limit 265
256 KB/s, loss 0 %, 50 clients: 256 KB/s, 5.1 to 5.2 each, 0.0 % dropped, limit 255
unlimited, loss 0 %, 1 clients: 48 KB/s, 48.0 to 48.0 each, 0.0 % dropped, limit none
unlimited, loss 0 %, 2 clients: 96 KB/s, 48.0 to 48.0 each, 0.0 % dropped, limit none
unlimited, loss 0 %, 5 clients: 240 KB/s, 48.0 to 48.0 each, 0.0 % dropped, limit none
unlimited, loss 0 %, 50 clients: 2400 KB/s, 48.0 to 48.0 each, 0.0 % dropped, limit none
16 KB/s, loss 10 %, 1 clients: 12 KB/s, 12.2 to 12.2 each, 66.7 % dropped, limit none
16 KB/s, loss 10 %, 2 clients: 6 KB/s, 2.9 to 3.0 each, 0.0 % dropped, limit 8
16 KB/s, loss 10 %, 5 clients: 11 KB/s, 2.0 to 2.5 each, 0.0 % dropped, limit 9
16 KB/s, loss 10 %, 50 clients: 13 KB/s, 0.0 to 1.0 each, 99.3 % dropped, limit none
64 KB/s, loss 10 %, 1 clients: 38 KB/s, 38.4 to 38.4 each, 0.0 % dropped, limit none
64 KB/s, loss 10 %, 2 clients: 52 KB/s, 25.6 to 26.1 each, 0.0 % dropped, limit 61
64 KB/s, loss 10 %, 5 clients: 51 KB/s, 9.9 to 10.5 each, 0.0 % dropped, limit 64
64 KB/s, loss 10 %, 50 clients: 52 KB/s, 0.8 to 1.3 each, 0.0 % dropped, limit 62
256 KB/s, loss 10 %, 1 clients: 154 KB/s, 154.3 to 154.3 each, 0.0 % dropped, limit none
256 KB/s, loss 10 %, 2 clients: 208 KB/s, 101.9 to 105.6 each, 0.0 % dropped, limit 264
256 KB/s, loss 10 %, 5 clients: 207 KB/s, 40.7 to 42.0 each, 0.0 % dropped, limit 272
256 KB/s, loss 10 %, 50 clients: 210 KB/s, 3.6 to 4.7 each, 0.0 % dropped, limit 255
unlimited, loss 10 %, 1 clients: 38 KB/s, 38.4 to 38.4 each, 0.0 % dropped, limit none
unlimited, loss 10 %, 2 clients: 76 KB/s, 36.7 to 38.9 each, 0.0 % dropped, limit none
unlimited, loss 10 %, 5 clients: 193 KB/s, 38.3 to 39.1 each, 0.0 % dropped, limit none
unlimited, loss 10 %, 50 clients: 1952 KB/s, 37.4 to 40.7 each, 0.0 % dropped, limit none
`

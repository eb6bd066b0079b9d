/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`packages/streaming/test/grid.test.ts > TAP > a bottleneck of 64 KB/s with a finite queue > flows x queue ms x loss % 1`] = `
flows x queue ms x loss %  KB/s  sent  again %  timeouts  spurious  dropped  fairness  replies %
1 x 100 x 0                  49   931     10.1         0         0       94      1.00         98
1 x 100 x 1                  48   932     10.2         0         0       78      1.00         99
1 x 300 x 0                  53   864      3.1         0         0       27      1.00        100
1 x 300 x 1                  52   873      4.1         0         0       19      1.00        100
1 x 1000 x 0                 54   853      1.9         0         0       16      1.00        100
1 x 1000 x 1                 52   870      3.8         0         0       16      1.00        100
1 x 3000 x 0                 54   837      0.0         0         0        0      1.00        100
1 x 3000 x 1                 53   854      2.0         0         0        0      1.00        100
4 x 100 x 0                  48  1011     16.9         1         0      171      0.98         98
4 x 100 x 1                  48  1020     17.6         4         0      161      0.94         96
4 x 300 x 0                  53   952     11.8         0         0      112      1.00         98
4 x 300 x 1                  51   945     11.1         1         0       85      0.98         97
4 x 1000 x 0                 53   905      7.2         0         0       65      1.00        103
4 x 1000 x 1                 52   909      7.6         1         0       43      0.99        100
4 x 3000 x 0                 55   955     12.0         0         0      115      1.00        101
4 x 3000 x 1                 50   865      2.9         2         0        0      0.91         99
16 x 100 x 0                 25  1256     32.5        26         3      409      0.60         87
16 x 100 x 1                 29  1267     33.1        33         2      401      0.52         85
16 x 300 x 0                 51  1176     27.9        17         0      328      0.86         88
16 x 300 x 1                 21  1212     30.0        16         1      342      0.77         86
16 x 1000 x 0                52  1169     27.5         4         2      321      0.99         87
16 x 1000 x 1                50  1164     27.1         4         1      295      0.98         88
16 x 3000 x 0                54   963     11.9         0         0      115      0.98        101
16 x 3000 x 1                51   954     11.1         1         1       81      0.93         99
64 x 100 x 0                 28  3775     42.4       312        68     1604      0.35         75
64 x 100 x 1                 27  3724     41.6       279        99     1507      0.34         74
64 x 300 x 0                 42  3640     40.2       203        58     1471      0.48         78
64 x 300 x 1                 41  3758     42.1       221        39     1547      0.43         76
64 x 1000 x 0                41  3760     42.1       268        52     1584      0.91         74
64 x 1000 x 1                41  3777     42.4       248        15     1561      0.91         75
64 x 3000 x 0                52  3252     33.1        60        10     1073      0.96         84
64 x 3000 x 1                51  3330     34.7        73        14     1112      0.97         81
`

exports[`packages/streaming/test/grid.test.ts > TAP > bottlenecks of other speeds > KB/s x flows, queue 1 s 1`] = `
KB/s x flows, queue 1 s  KB/s   sent  again %  timeouts  spurious  dropped  fairness  replies %
16 x 1                     13    196      8.7         0         0       17      1.00        107
16 x 8                     12    321     42.7         6         5      137      0.90         80
256 x 1                   204   2855      0.0         0         0        0      1.00         11
256 x 8                   209   3087      7.5         0         0      231      1.00         28
1024 x 1                  381  11417      0.0         0         0        0      1.00          4
1024 x 8                  845  11424      0.0         0         0        0      1.00          8
`

exports[`packages/streaming/test/grid.test.ts > TAP > duplicated packets > duplicates %, latency 250 ms, loss 1 % 1`] = `
duplicates %, latency 250 ms, loss 1 %  KB/s  sent  again %  timeouts  spurious  dropped  fairness  replies %
1                                        164   862      2.9         0         0        0      1.00         15
10                                       168   856      2.2         0         0        0      1.00         16
50                                       195   852      1.8         0         0        0      1.00          8
`

exports[`packages/streaming/test/grid.test.ts > TAP > jitter of 20 % with reordering > reordering, latency ms x loss % 1`] = `
reordering, latency ms x loss %  KB/s  sent  again %  timeouts  spurious  dropped  fairness  replies %
100 x 0                           290   845      0.9         0         8        0      1.00         43
100 x 1                           366   871      3.9         0        17        0      1.00         22
100 x 5                           263   930     10.0         0         3        0      1.00         27
250 x 0                           240   850      1.5         0        12        0      1.00         28
250 x 1                           151   871      3.9         0        17        0      1.00         30
250 x 5                           123   928      9.8         0         1        0      1.00         36
1000 x 0                           61   838      0.1         0         1        0      1.00         38
1000 x 1                           27   859      2.6         0         5        0      1.00         66
1000 x 5                           28   930     10.0         0         3        0      1.00         46
15000 x 0                        1.71   183      8.2         2        13        0      1.00         95
15000 x 1                        1.46   173      2.9         2         0        0      1.00        120
15000 x 5                        0.81   205     18.0         3        19        0      1.00         90
`

exports[`packages/streaming/test/grid.test.ts > TAP > latency x loss > latency ms x loss % 1`] = `
latency ms x loss %  KB/s  sent  again %  timeouts  spurious  dropped  fairness  replies %
10 x 0               5275   837      0.0         0         0        0      1.00          5
10 x 1               4248   854      2.0         0         0        0      1.00         11
10 x 2               4005   873      4.1         0         0        0      1.00         16
10 x 5               2237   927      9.7         0         1        0      1.00         27
10 x 10              1614  1030     18.7         0         1        0      1.00         37
100 x 0               555   837      0.0         0         0        0      1.00          5
100 x 1               441   854      2.0         0         0        0      1.00         11
100 x 2               372   873      4.1         0         0        0      1.00         17
100 x 5               313   927      9.7         0         0        0      1.00         28
100 x 10              243  1030     18.7         0         0        0      1.00         37
250 x 0               223   837      0.0         0         0        0      1.00          5
250 x 1               177   854      2.0         0         0        0      1.00         13
250 x 2               166   873      4.1         0         0        0      1.00         18
250 x 5               144   927      9.7         0         0        0      1.00         31
250 x 10              106  1030     18.7         0         0        0      1.00         40
1000 x 0               58   837      0.0         0         0        0      1.00          9
1000 x 1               43   854      2.0         0         0        0      1.00         17
1000 x 2               39   873      4.1         0         0        0      1.00         19
1000 x 5               37   927      9.7         0         0        0      1.00         33
1000 x 10              25  1030     18.7         1         1        0      1.00         43
5000 x 0             4.99   169      0.6         1         0        0      1.00         34
5000 x 1             4.28   172      2.3         1         0        0      1.00         26
5000 x 2             3.63   179      6.1         1         0        0      1.00         33
5000 x 5             3.63   185      9.2         1         0        0      1.00         34
5000 x 10            2.61   202     16.8         1         0        0      1.00         40
15000 x 0            1.67   170      1.2         2         0        0      1.00         35
15000 x 1            1.43   173      2.9         2         0        0      1.00         28
15000 x 2            1.05   181      7.2         3         0        0      1.00         30
15000 x 5            1.25   184      8.7         2         0        0      1.00         36
15000 x 10           0.60   205     18.0         4         0        0      1.00         45
`

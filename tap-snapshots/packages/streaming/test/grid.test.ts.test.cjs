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
4 x 100 x 0                  49  1005     16.4         1         0      165      0.97         96
4 x 100 x 1                  45  1001     16.1         3         0      143      0.94         96
4 x 300 x 0                  53   952     11.8         0         0      112      1.00         98
4 x 300 x 1                  48   940     10.6         1         0       80      0.98         97
4 x 1000 x 0                 53   905      7.2         0         0       65      1.00        103
4 x 1000 x 1                 53   909      7.6         1         0       43      0.99         99
4 x 3000 x 0                 55   955     12.0         0         0      115      1.00        101
4 x 3000 x 1                 50   865      2.9         2         0        0      0.91         99
16 x 100 x 0                 29  1244     31.8        25         3      397      0.61         86
16 x 100 x 1                 29  1296     34.6        39         2      431      0.51         84
16 x 300 x 0                 50  1147     26.1        12         0      299      0.86         89
16 x 300 x 1                 25  1167     27.3        17         2      298      0.79         88
16 x 1000 x 0                52  1169     27.5         4         2      321      0.99         87
16 x 1000 x 1                50  1152     26.4         6         7      284      0.99         88
16 x 3000 x 0                54   963     11.9         0         0      115      0.98        101
16 x 3000 x 1                50   954     11.1         1         1       81      0.93         99
64 x 100 x 0                 40  4091     46.8       424        38     1919      0.32         69
64 x 100 x 1                 29  4052     46.3       386        43     1840      0.33         70
64 x 300 x 0                 28  4028     46.0       345        30     1858      0.44         71
64 x 300 x 1                 41  4007     45.7       366        48     1792      0.39         71
64 x 1000 x 0                34  3746     41.9       254        31     1569      0.86         74
64 x 1000 x 1                37  3883     44.0       305        33     1664      0.92         73
64 x 3000 x 0                53  3246     33.0        57         7     1067      0.96         84
64 x 3000 x 1                43  3299     34.0        69        32     1079      0.96         81
`

exports[`packages/streaming/test/grid.test.ts > TAP > bottlenecks of other speeds > KB/s x flows, queue 1 s 1`] = `
KB/s x flows, queue 1 s  KB/s   sent  again %  timeouts  spurious  dropped  fairness  replies %
16 x 1                     13    196      8.7         0         0       17      1.00        107
16 x 8                     12    315     41.6         6         7      131      0.91         81
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
15000 x 1                        0.87   177      5.1         2         4        0      1.00        102
15000 x 5                        0.97   205     18.0         3        19        0      1.00         89
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
5000 x 1             4.28   172      2.3         1         0        0      1.00         30
5000 x 2             2.68   180      6.7         2         0        0      1.00         23
5000 x 5             3.63   185      9.2         1         0        0      1.00         34
5000 x 10            2.61   202     16.8         1         0        0      1.00         40
15000 x 0            1.67   170      1.2         2         0        0      1.00         35
15000 x 1            1.43   173      2.9         2         0        0      1.00         31
15000 x 2            1.25   180      6.7         2         0        0      1.00         33
15000 x 5            1.25   184      8.7         2         0        0      1.00         36
15000 x 10           0.60   205     18.0         4         0        0      1.00         45
`

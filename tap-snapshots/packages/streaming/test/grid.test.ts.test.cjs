/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`packages/streaming/test/grid.test.ts > TAP > a bottleneck of 64 KB/s with a finite queue > flows x queue ms x loss % 1`] = `
flows x queue ms x loss %  KB/s  sent  again %  timeouts  spurious  dropped  fairness
1 x 100 x 0                  49   920      9.0         0         0       83      1.00
1 x 100 x 1                  48   956     12.4         0         0      102      1.00
1 x 300 x 0                  53   864      3.1         0         0       27      1.00
1 x 300 x 1                  52   873      4.1         0         0       19      1.00
1 x 1000 x 0                 54   853      1.9         0         0       16      1.00
1 x 1000 x 1                 52   870      3.8         0         0       16      1.00
1 x 3000 x 0                 54   837      0.0         0         0        0      1.00
1 x 3000 x 1                 53   854      2.0         0         0        0      1.00
4 x 100 x 0                  49   995     15.6         1         0      155      0.97
4 x 100 x 1                  42   962     12.7         4         0      107      0.90
4 x 300 x 0                  54   954     11.9         0         0      114      1.00
4 x 300 x 1                  50   942     10.8         1         0       82      0.98
4 x 1000 x 0                 53   905      7.2         0         0       65      1.00
4 x 1000 x 1                 53   909      7.6         1         1       43      0.99
4 x 3000 x 0                 55   955     12.0         0         0      115      1.00
4 x 3000 x 1                 49   865      2.9         1         0        0      0.91
16 x 100 x 0                 43  1295     34.5        37         3      447      0.60
16 x 100 x 1                 29  1245     31.9        34         2      383      0.52
16 x 300 x 0                 31  1145     25.9        18         1      298      0.82
16 x 300 x 1                 48  1184     28.4        17         9      312      0.79
16 x 1000 x 0                53  1158     26.8         0         0      310      0.99
16 x 1000 x 1                51  1153     26.5         1         1      284      0.97
16 x 3000 x 0                54   963     11.9         0         0      115      0.98
16 x 3000 x 1                50   954     11.1         2         2       81      0.93
64 x 100 x 0                 30  4046     46.2       411        65     1883      0.33
64 x 100 x 1                 21  4060     46.4       436        67     1851      0.32
64 x 300 x 0                 28  3940     44.8       292        38     1768      0.44
64 x 300 x 1                 41  4012     45.8       380        31     1794      0.39
64 x 1000 x 0                45  3446     36.9       175        37     1269      0.81
64 x 1000 x 1                45  3563     38.9       189        42     1352      0.79
64 x 3000 x 0                42  3200     32.0        72         3     1024      0.97
64 x 3000 x 1                49  3235     32.7        76        18     1019      0.95
`

exports[`packages/streaming/test/grid.test.ts > TAP > bottlenecks of other speeds > KB/s x flows, queue 1 s 1`] = `
KB/s x flows, queue 1 s  KB/s   sent  again %  timeouts  spurious  dropped  fairness
16 x 1                     13    196      8.7         0         0       17      1.00
16 x 8                     12    310     40.6         6        12      126      0.92
256 x 1                   207   2855      0.0         0         0        0      1.00
256 x 8                   211   3073      7.1         0         0      217      1.00
1024 x 1                  382  11417      0.0         0         0        0      1.00
1024 x 8                  846  11424      0.0         0         0        0      1.00
`

exports[`packages/streaming/test/grid.test.ts > TAP > duplicated packets > duplicates %, latency 250 ms, loss 1 % 1`] = `
duplicates %, latency 250 ms, loss 1 %  KB/s  sent  again %  timeouts  spurious  dropped  fairness
1                                        162   862      2.9         0         0        0      1.00
10                                       172   856      2.2         0         0        0      1.00
50                                       195   852      1.8         0         0        0      1.00
`

exports[`packages/streaming/test/grid.test.ts > TAP > jitter of 20 % with reordering > reordering, latency ms x loss % 1`] = `
reordering, latency ms x loss %  KB/s  sent  again %  timeouts  spurious  dropped  fairness
100 x 0                           290   845      0.9         0         8        0      1.00
100 x 1                           366   871      3.9         0        17        0      1.00
100 x 5                           263   930     10.0         0         3        0      1.00
250 x 0                           151   850      1.5         0        13        0      1.00
250 x 1                           152   871      3.9         0        17        0      1.00
250 x 5                           106   929      9.9         0         2        0      1.00
1000 x 0                           63   838      0.1         0         1        0      1.00
1000 x 1                           28   859      2.6         0         5        0      1.00
1000 x 5                           26   942     11.1         1        17        0      1.00
15000 x 0                        1.67   183      8.2         2        13        0      1.00
15000 x 1                        0.88   177      5.1         2         4        0      1.00
15000 x 5                        0.97   205     18.0         3        19        0      1.00
`

exports[`packages/streaming/test/grid.test.ts > TAP > latency x loss > latency ms x loss % 1`] = `
latency ms x loss %  KB/s  sent  again %  timeouts  spurious  dropped  fairness
10 x 0               5275   837      0.0         0         0        0      1.00
10 x 1               4248   854      2.0         0         0        0      1.00
10 x 2               4005   873      4.1         0         0        0      1.00
10 x 5               2237   927      9.7         0         1        0      1.00
10 x 10              1614  1030     18.7         0         1        0      1.00
100 x 0               555   837      0.0         0         0        0      1.00
100 x 1               441   854      2.0         0         0        0      1.00
100 x 2               372   873      4.1         0         0        0      1.00
100 x 5               313   927      9.7         0         0        0      1.00
100 x 10              243  1030     18.7         0         0        0      1.00
250 x 0               233   837      0.0         0         0        0      1.00
250 x 1               182   854      2.0         0         0        0      1.00
250 x 2               166   873      4.1         0         0        0      1.00
250 x 5               141   927      9.7         0         0        0      1.00
250 x 10              108  1031     18.8         0         0        0      1.00
1000 x 0               61   837      0.0         0         0        0      1.00
1000 x 1               46   854      2.0         0         0        0      1.00
1000 x 2               42   873      4.1         0         0        0      1.00
1000 x 5               33   927      9.7         0         0        0      1.00
1000 x 10              26  1031     18.8         0         0        0      1.00
5000 x 0             5.00   169      0.6         1         0        0      1.00
5000 x 1             4.28   172      2.3         1         0        0      1.00
5000 x 2             2.68   180      6.7         2         0        0      1.00
5000 x 5             3.64   185      9.2         1         0        0      1.00
5000 x 10            2.61   202     16.8         1         0        0      1.00
15000 x 0            1.67   170      1.2         2         0        0      1.00
15000 x 1            1.43   173      2.9         2         0        0      1.00
15000 x 2            1.25   180      6.7         2         0        0      1.00
15000 x 5            1.25   184      8.7         2         0        0      1.00
15000 x 10           0.63   205     18.0         4         1        0      1.00
`

/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`packages/streaming/test/grid.test.ts > TAP > a bottleneck of 64 KB/s with a finite queue > flows x queue ms x loss % 1`] = `
flows x queue ms x loss %  KB/s  sent  again %  timeouts  spurious  dropped  fairness
1 x 100 x 0                  44   985     15.0         1         0      148      1.00
1 x 100 x 1                  38   955     12.4         0         0      101      1.00
1 x 300 x 0                  51   857      2.3         0         0       20      1.00
1 x 300 x 1                  50   870      3.8         0         0       16      1.00
1 x 1000 x 0                 54   853      1.9         0         0       16      1.00
1 x 1000 x 1                 51   870      3.8         0         0       16      1.00
1 x 3000 x 0                 54   837      0.0         0         0        0      1.00
1 x 3000 x 1                 52   854      2.0         0         0        0      1.00
4 x 100 x 0                  46  1028     18.3         2         0      188      0.98
4 x 100 x 1                  43  1040     19.2         2         0      185      0.96
4 x 300 x 0                  51   965     13.0         0         0      125      0.99
4 x 300 x 1                  49   954     11.9         3         0       94      0.95
4 x 1000 x 0                 53   908      7.5         0         0       68      1.00
4 x 1000 x 1                 51   914      8.1         1         1       48      0.98
4 x 3000 x 0                 55   956     12.1         0         0      116      1.00
4 x 3000 x 1                 48   866      3.0         1         0        0      0.91
16 x 100 x 0                 29  1261     32.8        38         6      411      0.66
16 x 100 x 1                 27  1332     36.3        36         2      465      0.67
16 x 300 x 0                 50  1233     31.2        20         1      386      0.93
16 x 300 x 1                 37  1209     29.9        21         9      338      0.82
16 x 1000 x 0                50  1169     27.5         4         0      321      0.99
16 x 1000 x 1                48  1167     27.3         9         4      298      0.97
16 x 3000 x 0                53   961     11.8         0         0      113      0.96
16 x 3000 x 1                50   950     10.7         1         0       79      0.96
64 x 100 x 0                 27  3950     44.9       346        74     1781      0.41
64 x 100 x 1                 30  4193     48.1       394        78     1992      0.40
64 x 300 x 0                 42  4101     46.9       372        62     1945      0.47
64 x 300 x 1                 28  4018     45.8       343        71     1812      0.45
64 x 1000 x 0                48  3678     40.8       187        34     1507      0.84
64 x 1000 x 1                39  3698     41.2       175        68     1481      0.83
64 x 3000 x 0                47  3368     35.4        60         8     1191      0.98
64 x 3000 x 1                49  3391     35.8        72        22     1175      0.97
`

exports[`packages/streaming/test/grid.test.ts > TAP > bottlenecks of other speeds > KB/s x flows, queue 1 s 1`] = `
KB/s x flows, queue 1 s  KB/s   sent  again %  timeouts  spurious  dropped  fairness
16 x 1                     13    197      9.1         0         0       18      1.00
16 x 8                     13    320     42.5         6         8      135      0.93
256 x 1                   204   2855      0.0         0         0        0      1.00
256 x 8                   208   3086      7.5         0         0      230      1.00
1024 x 1                  381  11417      0.0         0         0        0      1.00
1024 x 8                  838  11424      0.0         0         0        0      1.00
`

exports[`packages/streaming/test/grid.test.ts > TAP > duplicated packets > duplicates %, latency 250 ms, loss 1 % 1`] = `
duplicates %, latency 250 ms, loss 1 %  KB/s  sent  again %  timeouts  spurious  dropped  fairness
1                                        156   862      2.9         0         0        0      1.00
10                                       169   856      2.2         0         0        0      1.00
50                                       195   852      1.8         0         0        0      1.00
`

exports[`packages/streaming/test/grid.test.ts > TAP > jitter of 20 % with reordering > reordering, latency ms x loss % 1`] = `
reordering, latency ms x loss %  KB/s  sent  again %  timeouts  spurious  dropped  fairness
100 x 0                           518   852      1.8         0        15        0      1.00
100 x 1                           358   900      7.0         0        46        0      1.00
100 x 5                           218   940     11.0         0        15        0      1.00
250 x 0                           168   860      2.7         0        23        0      1.00
250 x 1                           143   900      7.0         0        46        0      1.00
250 x 5                            82   940     11.0         2         5        0      1.00
1000 x 0                           28   849      1.4         0        12        0      1.00
1000 x 1                           32   867      3.5         0        13        0      1.00
1000 x 5                           24   977     14.3         2        52        0      1.00
15000 x 0                        0.81   191     12.0         2        21        0      1.00
15000 x 1                        0.89   177      5.1         2         4        0      1.00
15000 x 5                        0.91   190     11.6         3         4        0      1.00
`

exports[`packages/streaming/test/grid.test.ts > TAP > latency x loss > latency ms x loss % 1`] = `
latency ms x loss %  KB/s  sent  again %  timeouts  spurious  dropped  fairness
10 x 0               5275   837      0.0         0         0        0      1.00
10 x 1               3967   854      2.0         0         0        0      1.00
10 x 2               3260   873      4.1         0         0        0      1.00
10 x 5               1934   929      9.9         2         0        0      1.00
10 x 10              1296  1030     18.7         2         0        0      1.00
100 x 0               543   837      0.0         0         0        0      1.00
100 x 1               409   854      2.0         0         0        0      1.00
100 x 2               270   874      4.2         1         0        0      1.00
100 x 5               265   928      9.8         1         0        0      1.00
100 x 10               79  1038     19.4        10         0        0      1.00
250 x 0               218   837      0.0         0         0        0      1.00
250 x 1               157   854      2.0         0         0        0      1.00
250 x 2               102   874      4.2         1         0        0      1.00
250 x 5               106   928      9.8         1         0        0      1.00
250 x 10               30  1035     19.1         7         0        0      1.00
1000 x 0               58   837      0.0         0         0        0      1.00
1000 x 1               42   854      2.0         0         0        0      1.00
1000 x 2               30   874      4.2         1         0        0      1.00
1000 x 5               26   929      9.9         2         1        0      1.00
1000 x 10              11  1033     19.0         5         2        0      1.00
5000 x 0             4.95   169      0.6         1         0        0      1.00
5000 x 1             4.24   174      3.4         1         0        0      1.00
5000 x 2             3.71   182      7.7         1         0        0      1.00
5000 x 5             3.57   188     10.6         1         0        0      1.00
5000 x 10            1.55   204     17.6         3         0        0      1.00
15000 x 0            1.66   170      1.2         2         0        0      1.00
15000 x 1            1.42   175      4.0         2         0        0      1.00
15000 x 2            1.25   182      7.7         2         0        0      1.00
15000 x 5            0.93   193     13.0         4         3        0      1.00
15000 x 10           0.52   206     18.4         4         1        0      1.00
`

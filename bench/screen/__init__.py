"""What the screen does under load, over real HTTP: pages and single incidents a second, and a stream that is cut.

The board has 10,000 open incidents and no Kafka behind it: what is measured is the server's side of a request. Server
and client are two processes. Figures, all of which must hold:

reads_per_s        reads a second of the server's processor time: 80 % filtered pages of 50, 20 % single incidents
sse_events         events fed while a client was cut at random and went on 20 times
sse_missed         of those, how many it never got
sse_repeated       how many it got more than once
"""

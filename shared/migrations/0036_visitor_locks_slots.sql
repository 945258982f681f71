-- Sixteen: an erasure holds up the writers of one visitor in sixteen, for milliseconds.
insert into visitor_locks (slot)
values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15);

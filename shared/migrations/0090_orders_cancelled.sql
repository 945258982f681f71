-- Counts the orders that a browser has cancelled within a day.
alter table orders
    add key orders_cancelled (visitor_id, state, decided_at);

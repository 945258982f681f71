-- The staff looks at orders by state, the newest first, also at those of years.
alter table orders
    add key orders_state (state, number);

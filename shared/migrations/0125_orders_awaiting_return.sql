-- Orders that the staff prepares, by how they are delivered, and those whose books are to come back: each is one range of an
-- index, however many orders there are in the same state.
alter table orders
    add column awaits_return boolean as (withdrawn_at is not null and state in ('collected', 'delivered')) stored,
    add key orders_desk (state, delivery, number),
    add key orders_awaiting_return (awaits_return, number);

-- When the buyer declared to withdraw from the contract of an order that had left the shop. The key is for the staff, who wait
-- for the books.
alter table orders
    add column withdrawn_at timestamp(6) null,
    add key orders_withdrawn (withdrawn_at, number);

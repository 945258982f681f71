-- When an order that was sent is taken as delivered, if nobody says so before: the contact of a shipped order would be kept for
-- ever otherwise.
alter table orders
    add column delivered_by timestamp(6) null comment 'of a shipped order; null of every other one',
    add key orders_delivered_by (delivered_by);

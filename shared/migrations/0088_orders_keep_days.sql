-- For how many days the shop keeps the order once it is ready, as it was agreed: the setting may have gone by then.
alter table orders
    add column keep_days smallint unsigned null comment 'of an order that is collected';

-- Whose order it is, if it was placed by somebody who had signed in. Orders of guests are found by the visitor or by the
-- address.
alter table orders
    add column customer binary(16) null comment 'subject of the user pool',
    add key orders_customer (customer, number);

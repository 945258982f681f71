-- Who cancelled an order that the shop did not have yet, because it waits in another message group or in the dead-letter
-- queue: the order is rejected when it comes, or its buyer would get what they had cancelled.
alter table order_messages
    add column asked_by binary(32) null comment 'SHA-256 of the visitor or of the e-mail address; null where the order was there',
    add column asked_until timestamp(6) null comment 'when asked_by is removed',
    add key order_messages_asked_by (asked_by, order_id),
    add key order_messages_asked_until (asked_until);

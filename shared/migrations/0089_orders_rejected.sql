-- Counts the rejected orders of a mailbox within a day, so that strangers cannot have the shop send many mails to it.
alter table orders
    add key orders_rejected (mailbox_key, state, decided_at);

-- By what a buyer is known beside the e-mail address as it was typed, so that the limit of open orders holds for one mailbox
-- under several addresses and for one door, and for one browser. Removed with the contact.
alter table orders
    add column mailbox_key binary(32) null comment 'SHA-256 of the e-mail address without what its mailbox ignores',
    add column address_key binary(32) null comment 'SHA-256 of the postal address, folded',
    add key orders_mailbox (mailbox_key, is_open),
    add key orders_address (address_key, is_open),
    add key orders_visitor_open (visitor_id, is_open);

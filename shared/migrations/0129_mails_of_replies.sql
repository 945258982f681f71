-- A mail is about an order, about an alert, or a reply to a message.
alter table mails
    add column reply_id bigint unsigned null,
    add key mails_reply (reply_id);

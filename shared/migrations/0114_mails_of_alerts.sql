-- A mail is about an order, or about an alert.
-- contracts: since mails exist, each version reads them together with their orders, so that it leaves out mails without one.
alter table mails
    modify column order_number int unsigned null,
    add column alert_id bigint unsigned null,
    add key mails_alert (alert_id);

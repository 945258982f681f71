-- An alert is of one address. At a host without subaddresses, `ana+x@` is the mailbox of somebody else than `ana@`, so that each
-- may wait for the same book. The key of the mailbox stays for limits.
-- contracts: since alerts exist, requests of one mailbox wait for one another by a row of alert_mailboxes, so that no version needs the unique key.
alter table stock_alerts
    drop key stock_alerts_once,
    add key stock_alerts_mailbox (mailbox_key, book_id);

-- Mailboxes to which a mail went that asks for a confirmation, and until when no other one goes there. It outlives the requests,
-- so that nobody can fill a stranger's mailbox.
create table alert_mailboxes (
    mailbox_key  binary(32)    not null,
    mailed_at    timestamp(6)  null,
    quiet_until  timestamp(6)  not null,
    primary key (mailbox_key),
    key alert_mailboxes_mailed (mailed_at),
    key alert_mailboxes_quiet (quiet_until)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

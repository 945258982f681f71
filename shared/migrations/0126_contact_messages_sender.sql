-- In which language to answer, and the other messages from the same address, the newest first.
alter table contact_messages
    add column language varchar(35) character set ascii collate ascii_bin null comment 'of the page with the form; null of an API call',
    add key contact_messages_email (email, id);

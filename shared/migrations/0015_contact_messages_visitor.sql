-- Whose message it is, so that it can be erased with all that the visitor left.
alter table contact_messages
    add column visitor_id binary(16) null,
    add key contact_messages_visitor (visitor_id);

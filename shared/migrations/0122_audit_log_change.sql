-- The id of the form that made a change, so that one that is sent twice finds its own change, also if both come at once.
alter table audit_log
    add column change_id binary(16) null comment 'of a form that changed something; null of a refused one',
    add key audit_log_change (change_id);

-- What a change by the staff made of each fact of a book: JSON, a list of field, value before and value after.
alter table audit_log
    add column changes mediumtext null;

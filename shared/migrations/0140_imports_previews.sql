-- A preview reads a file as an import does, and changes nothing. What the staff then has run is the same file, by its tag, read in
-- the same encoding. The columns of the file and its separator are kept for the refused rows, which are mended and uploaded again;
-- what is said about the file as a whole, for the page.
alter table imports
    add column is_preview      boolean       not null default false,
    add column etag            varchar(100)  character set ascii collate ascii_bin  null comment 'S3''s own, of the file that a preview has read',
    add column content_type    varchar(200)  null comment 'of that file; it may declare an encoding',
    add column run_at          timestamp     null comment 'when the staff had the file of a preview imported',
    add column header          text          null comment 'names of the columns, as JSON',
    add column cell_separator  char(1)       character set ascii collate ascii_bin  null,
    add column notices         text          null comment 'about the file as a whole, as JSON';

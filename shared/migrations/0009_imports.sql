-- One row an uploaded file; `lines_done` and the counts move in one transaction with the books, so that an import
-- that dies goes on where it stopped.
create table imports (
    id          int unsigned    not null auto_increment,
    object_key  varchar(500) collate utf8mb4_bin  not null,
    sequencer   varchar(64) character set ascii collate ascii_bin  not null comment 'S3''s own: tells two uploads of one key apart',
    lines_done  int unsigned    not null default 0 comment 'the last line that is settled',
    added       int unsigned    not null default 0,
    changed     int unsigned    not null default 0,
    unchanged   int unsigned    not null default 0,
    refused     int unsigned    not null default 0,
    started_at  timestamp       not null default current_timestamp,
    ended_at    timestamp       null,
    failure     varchar(1000)   null comment 'why the file as a whole could not be read',
    primary key (id),
    unique key imports_upload (object_key, sequencer)
) engine = InnoDB default character set utf8mb4 collate utf8mb4_uca1400_ai_ci;

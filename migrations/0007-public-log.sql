-- What others say of the log (docs/spec/log.md): the notices of a chain that is not this database, and the
-- cosignatures of witnesses. Like the log itself these tables are not distributed.

create table chain_notice (
  batch_start    bigint primary key check (batch_start >= 0),
  entry_count    integer not null check (entry_count between 1 and 20000),
  root           bytea not null check (length(root) = 32),
  block_number   bigint not null check (block_number >= 0),
  transaction_id text not null check (length(transaction_id) between 1 and 100),
  noted_at       timestamptz not null
);
comment on table chain_notice is 'Every batch as the chain told of its commit; the last one is where listening goes on';
create trigger chain_notice_append_only before update or delete on chain_notice for each row execute function refuse_change();
create trigger chain_notice_no_truncate before truncate on chain_notice for each statement execute function refuse_change();

create table log_cosignature (
  size    bigint not null check (size >= 0),
  witness text not null check (length(witness) between 1 and 200),
  at      timestamptz not null,
  line    text not null check (length(line) between 1 and 1000),
  primary key (size, witness)
);
comment on table log_cosignature is 'Cosignatures (C2SP cosignature/v1) of the checkpoints of batches, as lines of a signed note';
comment on column log_cosignature.at is 'The time that the witness states in its cosignature';
create index log_cosignature_by_witness on log_cosignature (witness, size);
create trigger log_cosignature_append_only before update or delete on log_cosignature for each row execute function refuse_change();
create trigger log_cosignature_no_truncate before truncate on log_cosignature for each statement execute function refuse_change();

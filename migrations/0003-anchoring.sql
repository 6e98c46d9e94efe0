-- The public log and its anchoring (docs/spec/log.md): what the worker keeps beside the chain, and the chain
-- itself when it is the embedded one. The log is one for all shards, so these tables are not distributed.

-- ------------------------------------------------------------------ what the posting lane reads

create table anchor_head (
  "only" boolean primary key default true check ("only"),
  size bigint not null check (size >= 0)
);
comment on table anchor_head is 'Size of the log as far as it was committed by the chain and confirmed here';
insert into anchor_head (size) values (0);

create function check_head_grows() returns trigger language plpgsql as $$
begin
  if new.size < old.size then
    raise exception 'the log never shrinks' using errcode = 'SN006';
  end if;
  return new;
end $$;
create trigger anchor_head_grows before update on anchor_head for each row execute function check_head_grows();
create trigger anchor_head_stays before delete on anchor_head for each row execute function refuse_change();

-- ------------------------------------------------------------------ the worker

create table anchor_lease (
  "only"       boolean primary key default true check ("only"),
  epoch      bigint not null,
  holder     text not null,
  expires_at timestamptz not null
);
comment on table anchor_lease is 'Which worker anchors; the epoch fences off one that was taken over';
insert into anchor_lease (epoch, holder, expires_at) values (0, '', '2000-01-01Z');

create table anchor_batch (
  batch_start   bigint primary key check (batch_start >= 0),
  entry_count   integer not null check (entry_count between 1 and 20000),
  root          bytea not null check (length(root) = 32),
  issue_batches bigint[] not null,
  state         text not null default 'planned' check (state in ('planned', 'anchored')),
  planned_at    timestamptz not null,
  anchored_at   timestamptz,
  reference     text,
  checkpoint    text,
  check ((state = 'anchored') = (num_nonnulls(anchored_at, reference, checkpoint) = 3)),
  check (num_nonnulls(anchored_at, reference, checkpoint) in (0, 3))
);
comment on table anchor_batch is 'A batch is planned, then appended to the chain, then confirmed; at most one is on the way';
comment on column anchor_batch.root is 'Root of the log after this batch, computed here before the chain was asked';
create unique index anchor_batch_one_planned on anchor_batch (state) where state = 'planned';

create table log_leaf (
  leaf_index  bigint primary key check (leaf_index >= 0),
  entry       bytea not null check (length(entry) = 58),
  leaf_hash   bytea not null check (length(leaf_hash) = 32),
  shard_id    smallint not null,
  stamp_id    text not null,
  kind        text not null check (kind in ('payment', 'issue', 'lock', 'cancel', 'refund', 'spoil', 'key', 'dayclose', 'config')),
  batch_start bigint not null check (batch_start between 0 and leaf_index)
);
comment on table log_leaf is 'Every leaf with the stamp it speaks of; the stamp is known here only, never on the chain';
create index log_leaf_by_stamp on log_leaf (stamp_id);
-- One ISSUE a stamp, whatever the code does.
create unique index log_leaf_one_issue on log_leaf (stamp_id) where kind = 'issue';
create trigger log_leaf_append_only before update or delete on log_leaf for each row execute function refuse_change();
create trigger log_leaf_no_truncate before truncate on log_leaf for each statement execute function refuse_change();

create table log_tile (
  level      smallint not null check (level between 0 and 7),
  tile_index bigint not null check (tile_index >= 0),
  hashes     bytea not null check (length(hashes) between 32 and 8192 and length(hashes) % 32 = 0),
  primary key (level, tile_index)
);
comment on table log_tile is 'C2SP tlog-tiles of height 8: up to 256 hashes of perfect subtrees of 256^level leaves';
-- Hashes do not compress; do not try.
alter table log_tile alter column hashes set storage external;

-- ------------------------------------------------------------------ the embedded chain

create table chain_state (
  key   text primary key,
  value bytea not null
);
comment on table chain_state is 'World state of the contract (head, batch:<start>, life:<index>)';
alter table chain_state alter column value set storage external;

create table chain_block (
  number        bigint primary key check (number >= 0),
  previous_hash bytea not null check (length(previous_hash) = 32),
  function      text not null check (function in ('genesis', 'appendBatch')),
  arguments     bytea not null,
  writes_hash   bytea not null check (length(writes_hash) = 32),
  size          bigint not null check (size >= 0),
  root          bytea not null check (length(root) = 32),
  at_ms         bigint not null,
  block_hash    bytea not null check (length(block_hash) = 32),
  signature     bytea not null check (length(signature) = 64)
);
comment on table chain_block is 'Hash-chained signed blocks: tamper-evident, not distributed';
alter table chain_block alter column arguments set storage external;
create trigger chain_block_append_only before update or delete on chain_block for each row execute function refuse_change();
create trigger chain_block_no_truncate before truncate on chain_block for each statement execute function refuse_change();

-- The life of an e-stamp after its issue: moves by officers, each with who, why and when; what officers search by;
-- stamp vendors and their register of sales. Nothing here is written or read by post_payments.

-- ------------------------------------------------------------------ states and moves

alter table stamp drop constraint stamp_state_check,
  add constraint stamp_state_check check (state in ('issued', 'delisted', 'spoiled', 'refund-requested', 'refunded', 'cancelled'));
alter table stamp_event drop constraint stamp_event_kind_check,
  add constraint stamp_event_kind_check check (kind in ('cancel', 'lock', 'spoil', 'refund-request', 'refund-refuse', 'refund')),
  add column office text check (length(office) between 1 and 120),
  add column request_key text check (length(request_key) between 1 and 120);
comment on column stamp_event.kind is
  'A request for a refund and its refusal have no leaf of their own: the log has no type for them; the refund has';
comment on column stamp_event.request_key is 'Makes an officer''s request itself: the same key moves a stamp once';
create unique index stamp_event_request on stamp_event (shard_id, stamp_id, request_key) where request_key is not null;

-- The state that a move leads to, or null where it is not allowed: the table of ledger/stamps/moves.ts, held a second
-- time. A refused request gives the stamp back its state of before, which p_was_spoiled tells.
create function stamp_state_after(p_state text, p_kind text, p_was_spoiled boolean) returns text language sql immutable parallel safe as $$
  select case
    when p_kind = 'lock' and p_state = 'issued' then 'delisted'
    when p_kind = 'cancel' and p_state = 'issued' then 'cancelled'
    when p_kind = 'spoil' and p_state = 'issued' then 'spoiled'
    when p_kind = 'refund-request' and p_state in ('issued', 'spoiled') then 'refund-requested'
    when p_kind = 'refund-refuse' and p_state = 'refund-requested' then case when p_was_spoiled then 'spoiled' else 'issued' end
    when p_kind = 'refund' and p_state = 'refund-requested' then 'refunded'
  end
$$;

create or replace function check_stamp_move() returns trigger language plpgsql as $$
begin
  if (old.shard_id, old.stamp_id, old.psid, old.line_no, old.payment_id, old.kind, old.amount_paisa, old.issued_at, old.salt, old.record_root, old.log_size)
     is distinct from
     (new.shard_id, new.stamp_id, new.psid, new.line_no, new.payment_id, new.kind, new.amount_paisa, new.issued_at, new.salt, new.record_root, new.log_size) then
    raise exception 'the facts of stamp % never change', old.stamp_id using errcode = 'SN003';
  end if;
  if (old.state, new.state) not in (('issued', 'delisted'), ('issued', 'spoiled'), ('issued', 'cancelled'), ('issued', 'refund-requested'),
       ('spoiled', 'refund-requested'), ('refund-requested', 'issued'), ('refund-requested', 'spoiled'), ('refund-requested', 'refunded')) then
    raise exception 'stamp % cannot move from % to %', old.stamp_id, old.state, new.state using errcode = 'SN004';
  end if;
  if new.used_for is distinct from old.used_for and new.state <> 'delisted' then
    raise exception 'stamp % is not used for anything', old.stamp_id using errcode = 'SN011';
  end if;
  return new;
end $$;

-- Moves stamps one after the other, in order of their ids, each on its own: a stamp that cannot move stops no other.
-- Answers for each: moved; repeated (the same request moved it before); key-reused; wrong-state (with the state it is
-- in, since when and for which deed); same-officer (he who asked for a refund does not grant it); not-found.
create function move_stamps(
  p_shard smallint, p_at timestamptz, p_kind text, p_actor text, p_office text, p_request_key text, p_reason text, p_used_for text,
  p_event_ids bigint[], p_stamp_ids text[]
) returns table (stamp_id text, result text, state text, state_changed_at timestamptz, used_for text) language plpgsql as $$
#variable_conflict use_column
declare
  v_given record;
  v_stamp stamp;
  v_event stamp_event;
  v_to text;
  v_log_size bigint;
begin
  select h.size into strict v_log_size from anchor_head h;
  for v_given in
    select x.stamp_id, min(x.event_id) as event_id from unnest(p_stamp_ids, p_event_ids) as x(stamp_id, event_id)
    group by x.stamp_id order by x.stamp_id
  loop
    -- Of many who come at once, each waits here for the one before and then sees what that one left.
    select * into v_stamp from stamp t where t.shard_id = p_shard and t.stamp_id = v_given.stamp_id for no key update;
    if not found then
      return query select v_given.stamp_id, 'not-found', null::text, null::timestamptz, null::text;
      continue;
    end if;
    select * into v_event from stamp_event e
    where e.shard_id = p_shard and e.stamp_id = v_stamp.stamp_id and e.request_key = p_request_key;
    if found then
      return query select v_stamp.stamp_id,
        case when (v_event.kind, v_event.actor, v_event.reason) = (p_kind, p_actor, p_reason) then 'repeated' else 'key-reused' end,
        v_stamp.state, v_stamp.state_changed_at, v_stamp.used_for;
      continue;
    end if;
    v_to := stamp_state_after(v_stamp.state, p_kind, exists (
      select 1 from stamp_event e where e.shard_id = p_shard and e.stamp_id = v_stamp.stamp_id and e.kind = 'spoil'));
    if v_to is null then
      return query select v_stamp.stamp_id, 'wrong-state', v_stamp.state, v_stamp.state_changed_at, v_stamp.used_for;
      continue;
    end if;
    if p_kind = 'refund' and p_actor = (
        select e.actor from stamp_event e where e.shard_id = p_shard and e.stamp_id = v_stamp.stamp_id and e.kind = 'refund-request'
        order by e.event_id desc limit 1) then
      return query select v_stamp.stamp_id, 'same-officer', v_stamp.state, v_stamp.state_changed_at, v_stamp.used_for;
      continue;
    end if;
    insert into stamp_event as e (shard_id, event_id, stamp_id, kind, at, actor, office, request_key, reason, commitment)
    values (p_shard, v_given.event_id, v_stamp.stamp_id, p_kind, p_at, p_actor, p_office, p_request_key, p_reason,
      event_commitment(v_stamp.salt, v_stamp.stamp_id, p_kind, p_at, p_reason));
    if p_kind in ('lock', 'spoil', 'refund') then
      insert into outbox (shard_id, outbox_id, kind, stamp_id, at, amount_paisa, commitment, log_size)
      select e.shard_id, e.event_id, e.kind, e.stamp_id, e.at, v_stamp.amount_paisa, e.commitment, v_log_size
      from stamp_event e where e.shard_id = p_shard and e.event_id = v_given.event_id;
    end if;
    update stamp t set state = v_to, state_changed_at = p_at, used_for = case when p_kind = 'lock' then p_used_for end
    where t.shard_id = p_shard and t.stamp_id = v_stamp.stamp_id;
    return query select v_stamp.stamp_id, 'moved', v_to, p_at, case when p_kind = 'lock' then p_used_for end;
  end loop;
end $$;

-- ------------------------------------------------------------------ what officers search by

-- Only used stamps are in it: the hot path never writes it.
create index stamp_by_deed on stamp (shard_id, used_for) where used_for is not null;
-- Every CNIC of a challan, wherever it stands in the application. The application has them in clear; a blind index
-- belongs to the same change that seals them there.
create index challan_by_cnic on challan using gin (jsonb_path_query_array(application, '$.**.cnic'));

-- ------------------------------------------------------------------ stamp vendors

create table stamp_vendor (
  licence           text primary key check (licence ~ '^[A-Z0-9]+(-[A-Z0-9]+)*$' and length(licence) between 3 and 20),
  shard_id          smallint not null check (shard_id between 0 and 99),
  name              text not null check (length(name) between 1 and 120),
  district_code     text not null references district (code),
  place             text not null check (length(place) between 1 and 120),
  valid_from        date not null,
  valid_until       date not null check (valid_until >= valid_from),
  -- Most that he may sell in one day.
  limit_per_day_paisa bigint check (limit_per_day_paisa > 0),
  active            boolean not null default true,
  created_at        timestamptz not null
);
comment on table stamp_vendor is 'Licensed vendors of stamps of low denomination (Punjab Stamp Rules 1934)';

create table vendor_book (
  shard_id    smallint not null,
  licence     text not null references stamp_vendor (licence),
  last_serial bigint not null default 0 check (last_serial >= 0),
  primary key (shard_id, licence)
);
comment on table vendor_book is 'The serial that a vendor used last; its row''s lock makes his sales follow each other';

create table vendor_sale (
  shard_id        smallint not null,
  licence         text not null references stamp_vendor (licence),
  serial          bigint not null check (serial > 0),
  request_key     text not null check (length(request_key) between 1 and 100),
  request_hash    bytea not null check (length(request_hash) = 32),
  sold_on         date not null,
  sold_at         timestamptz not null,
  purchaser_name  text not null check (length(purchaser_name) between 1 and 120),
  purchaser_cnic  text check (purchaser_cnic ~ '^[0-9]{5}-[0-9]{7}-[0-9]$'),
  purpose         text not null check (length(purpose) between 1 and 200),
  article         text not null check (length(article) between 1 and 64),
  denomination_paisa bigint not null check (denomination_paisa between 1 and 49999),
  psid            text not null check (psid ~ '^[0-9]{17}$'),
  hold_id         bigint not null,
  state           text not null default 'reserved' check (state in ('reserved', 'sold', 'void')),
  stamp_id        text check (length(stamp_id) = 16),
  settled_at      timestamptz,
  primary key (shard_id, licence, serial),
  unique (shard_id, licence, request_key),
  check ((state = 'sold') = (stamp_id is not null)),
  check ((state = 'reserved') = (settled_at is null))
);
comment on table vendor_sale is 'The vendor''s register: every serial once and in order; a sale that came to nothing stays in it as void';
create index vendor_sale_by_day on vendor_sale (shard_id, licence, sold_on, serial);
create index vendor_sale_open on vendor_sale (shard_id, licence, serial) where state = 'reserved';

create function check_vendor_sale_move() returns trigger language plpgsql as $$
begin
  if old.state <> 'reserved' or (old.shard_id, old.licence, old.serial, old.request_key, old.request_hash, old.sold_on, old.sold_at, old.purchaser_name, old.purchaser_cnic,
       old.purpose, old.article, old.denomination_paisa, old.psid, old.hold_id)
     is distinct from (new.shard_id, new.licence, new.serial, new.request_key, new.request_hash, new.sold_on, new.sold_at, new.purchaser_name, new.purchaser_cnic,
       new.purpose, new.article, new.denomination_paisa, new.psid, new.hold_id) then
    raise exception 'sale % of vendor % cannot be changed', old.serial, old.licence using errcode = 'SN012';
  end if;
  return new;
end $$;
create trigger vendor_sale_moves before update on vendor_sale for each row execute function check_vendor_sale_move();
create trigger vendor_sale_stays before delete on vendor_sale for each row execute function refuse_change();

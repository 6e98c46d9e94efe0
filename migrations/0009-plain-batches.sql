-- A lean way for the batches that are nearly all of them: payments of challans that were not asked before, without
-- holds or advices, well within what their participants may pay. Starting a statement costs what it contains, once for
-- each batch; this one has half the parts of the general one and does less for each payment (bench/RESULTS.md). Both
-- write the same rows: every rule of the tables, and every invariant, holds for both.

alter function post_payments(smallint, bigint, timestamptz, bigint[], text[], text[], text[], text[], bigint[], text[], bytea[], bigint[], boolean[])
  rename to post_any_payments;

-- True when the general statement must judge the batch: something in it was asked before or is asked twice, spends a
-- hold, is an advice, or its participant might pass the day's limit or the net debit cap with it. A cap's balance is
-- locked until commit, against a hold that is being reserved on the same account.
create function needs_judging(
  p_shard smallint, p_today date, p_participants text[], p_request_keys text[], p_psids text[], p_amounts bigint[], p_holds bigint[], p_advices boolean[]
) returns boolean
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
language plpgsql as $$
declare
  v_known boolean;
  v_twice boolean;
  v_limited boolean;
begin
  if true = any (p_advices) or cardinality(array_remove(p_holds, null)) > 0 then
    return true;
  end if;
  select exists (
      select 1 from unnest(p_participants, p_request_keys) as i(participant, request_key)
      cross join lateral (select 1 from request_record q
        where q.shard_id = p_shard and q.participant_code = i.participant and q.request_key = i.request_key limit 1) r),
    (select count(distinct i.psid) < count(*) or count(distinct i.request_key) < count(*) from unnest(p_psids, p_request_keys) as i(psid, request_key)),
    exists (select 1 from participant p
      where p.code = any (p_participants) and (p.limit_per_day_paisa is not null or p.net_debit_cap_paisa is not null))
  into v_known, v_twice, v_limited;
  if v_known or v_twice or not v_limited then
    return v_known or v_twice;
  end if;
  perform 1 from account_balance b
  where b.shard_id = p_shard and b.account_id in (
    select s.account_id from participant p join account s on s.shard_id = p_shard and s.path = 'participant:' || p.code || ':settlement'
    where p.code = any (p_participants) and p.net_debit_cap_paisa is not null)
  order by b.account_id for no key update;
  return exists (
    select 1 from participant p
    join account s on s.shard_id = p_shard and s.path = 'participant:' || p.code || ':settlement'
    join account_balance b on b.shard_id = p_shard and b.account_id = s.account_id
    left join account_day d on d.shard_id = p_shard and d.account_id = s.account_id and d.business_date = p_today
    where p.code = any (p_participants)
      and (select sum(i.amount) from unnest(p_participants, p_amounts) as i(participant, amount) where i.participant = p.code)
        > least(p.limit_per_day_paisa - coalesce(d.debits_paisa, 0),
          p.net_debit_cap_paisa - (b.debits_paisa - b.credits_paisa + b.held_paisa)
            + coalesce((select fb.credits_paisa - fb.debits_paisa from account fa join account_balance fb using (shard_id, account_id)
                where fa.shard_id = p_shard and fa.path = 'participant:' || p.code || ':prefunding'), 0)));
end $$;

-- Posts a batch: matches each request to its challan, posts it, issues its stamps, records the answer and fills the
-- outbox. A refused payment never hinders its neighbours. One row per input, in input order. What the answers mean,
-- and which goes before which: post_any_payments, which judges every batch that is not plain.
create function post_payments(
  p_shard smallint, p_epoch bigint, p_posted_at timestamptz,
  p_payment_ids bigint[], p_participants text[], p_channels text[], p_request_keys text[],
  p_psids text[], p_amounts bigint[], p_references text[], p_seeds bytea[], p_holds bigint[], p_advices boolean[]
) returns table (
  ordinal integer, result text, repeated boolean, payment_id bigint, authorisation text,
  posted_at timestamptz, business_date date, stamp_ids text[]
)
-- One plan, made once, that looks rows up by their keys even where the tables were empty when it was made.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
language plpgsql as $$
#variable_conflict use_column
declare
  v_today date := (p_posted_at at time zone 'Asia/Karachi')::date;
  v_today_bytes bytea := convert_to(to_char((p_posted_at at time zone 'Asia/Karachi')::date, 'YYYY-MM-DD'), 'UTF8');
  v_at_bytes bytea := epoch_ms(p_posted_at);
  v_log_size bigint;
begin
  perform hold_lane(p_shard, p_epoch);
  if needs_judging(p_shard, v_today, p_participants, p_request_keys, p_psids, p_amounts, p_holds, p_advices) then
    return query select a.ordinal, a.result, a.repeated, a.payment_id, a.authorisation, a.posted_at, a.business_date, a.stamp_ids
      from post_any_payments(p_shard, p_epoch, p_posted_at, p_payment_ids, p_participants, p_channels, p_request_keys,
        p_psids, p_amounts, p_references, p_seeds, p_holds, p_advices) a;
    return;
  end if;
  select h.size into strict v_log_size from anchor_head h;
  return query
  with payer as materialized (
    select p.code, s.account_id, p.limit_per_transaction_paisa as per_payment
    from participant p
    join account s on s.shard_id = p_shard and s.path = 'participant:' || p.code || ':settlement'
    where p.code = any (p_participants) and p.active
  ),
  decided as materialized (
    select i.ordinal::integer, i.payment_id, i.participant, i.channel, i.request_key, i.psid, i.amount, i.reference, i.seed,
      y.account_id as debit_account, lpad((i.payment_id % 1000000)::text, 6, '0') as authorisation,
      case
        when y.code is null then 'participant-unavailable'
        when c.psid is null then 'unknown-consumer'
        when c.state = 'cancelled' then 'blocked'
        when c.state = 'paid' then 'already-paid'
        when c.payable_until < v_today then 'expired'
        when c.amount_paisa <> i.amount then 'amount-mismatch'
        when y.per_payment < i.amount then 'limit-exceeded'
        else 'approved'
      end as result
    from unnest(p_payment_ids, p_participants, p_channels, p_request_keys, p_psids, p_amounts, p_references, p_seeds)
      with ordinality as i(payment_id, participant, channel, request_key, psid, amount, reference, seed, ordinal)
    left join payer y on y.code = i.participant
    -- `limit` keeps this a look-up by key, one a request, whatever the planner thinks of the table's size.
    left join lateral (select q.psid, q.state, q.amount_paisa, q.payable_until from challan q
      where q.shard_id = p_shard and q.psid = i.psid limit 1) c on true
  ),
  line as materialized (
    select d.ordinal, d.payment_id, d.psid, d.participant, d.request_key, d.amount as total, d.seed,
      l.line_no, l.account_id, l.amount_paisa, l.stamp_kind, l.facts_root
    from decided d
    cross join lateral (select q.* from challan_line q where q.shard_id = p_shard and q.psid = d.psid offset 0) l
    where d.result = 'approved'
  ),
  new_posting as materialized (
    select d.payment_id as journal_id, 0::smallint as line_no, d.debit_account as account_id, 'D'::"char" as side, d.amount as amount_paisa
    from decided d where d.result = 'approved'
    union all
    select l.payment_id, l.line_no, l.account_id, 'C'::"char", l.amount_paisa from line l
  ),
  movement as materialized (
    select n.account_id, coalesce(sum(n.amount_paisa) filter (where n.side = 'D'), 0)::bigint as debits,
      coalesce(sum(n.amount_paisa) filter (where n.side = 'C'), 0)::bigint as credits, count(*) as postings
    from new_posting n group by n.account_id
  ),
  locked as materialized (
    select b.account_id from account_balance b
    where b.shard_id = p_shard and b.account_id in (select m.account_id from movement m)
    order by b.account_id
    for no key update
  ),
  moved as (
    update account_balance b
    set debits_paisa = b.debits_paisa + m.debits, credits_paisa = b.credits_paisa + m.credits, postings = b.postings + m.postings
    from movement m join locked k on k.account_id = m.account_id
    where b.shard_id = p_shard and b.account_id = m.account_id
  ),
  moved_today as (
    insert into account_day as y (shard_id, account_id, business_date, debits_paisa, credits_paisa, postings)
    select p_shard, m.account_id, v_today, m.debits, m.credits, m.postings
    from movement m join locked k on k.account_id = m.account_id
    on conflict (shard_id, account_id, business_date) do update
    set debits_paisa = y.debits_paisa + excluded.debits_paisa, credits_paisa = y.credits_paisa + excluded.credits_paisa, postings = y.postings + excluded.postings
  ),
  paid as (
    update challan c set state = 'paid', payment_id = d.payment_id, paid_at = p_posted_at
    from decided d
    where d.result = 'approved' and c.shard_id = p_shard and c.psid = d.psid and c.state = 'payable'
    returning 1
  ),
  posted as (
    insert into payment (shard_id, payment_id, psid, participant_code, channel, request_key, reference, amount_paisa, business_date, authorisation, posted_at)
    select p_shard, d.payment_id, d.psid, d.participant, d.channel, d.request_key, d.reference, d.amount, v_today, d.authorisation, p_posted_at
    from decided d where d.result = 'approved'
  ),
  journalled as (
    insert into journal_entry (shard_id, business_date, journal_id, kind, payment_id, posted_at)
    select p_shard, v_today, d.payment_id, 'payment', d.payment_id, p_posted_at
    from decided d where d.result = 'approved'
  ),
  entered as (
    insert into posting (shard_id, business_date, journal_id, line_no, account_id, side, amount_paisa)
    select p_shard, v_today, n.journal_id, n.line_no, n.account_id, n.side, n.amount_paisa from new_posting n
  ),
  new_stamp as materialized (
    select l.ordinal, l.payment_id, l.psid, l.line_no, l.stamp_kind, l.amount_paisa, s.stamp_id, s.salt,
      sha256('\x01'::bytea || l.facts_root || sha256('\x00'::bytea || s.salt || convert_to(s.stamp_id || l.psid, 'UTF8')
        || v_at_bytes || int8send(l.amount_paisa))) as record_root,
      sha256('\x02'::bytea || s.salt || int8send(l.payment_id) || convert_to(l.participant, 'UTF8') || '\x00'::bytea
        || convert_to(l.request_key, 'UTF8') || '\x00'::bytea || int8send(l.total) || v_today_bytes) as payment_commitment
    from line l
    -- `offset 0` keeps each hash from being made once for every place that uses it.
    cross join lateral (select stamp_body_of(sha256(l.seed || '\x00'::bytea || int2send(l.line_no))) as body offset 0) n
    cross join lateral (select lpad(n.body::text, 15, '0') || check_digit_of_15(n.body)::text as stamp_id,
      substring(sha256(l.seed || '\x01'::bytea || int2send(l.line_no)) from 1 for 16) as salt offset 0) s
    where l.stamp_kind is not null
  ),
  issued as (
    insert into stamp (shard_id, stamp_id, psid, line_no, payment_id, kind, amount_paisa, issued_at, salt, record_root, log_size)
    select p_shard, n.stamp_id, n.psid, n.line_no, n.payment_id, n.stamp_kind, n.amount_paisa, p_posted_at, n.salt, n.record_root, v_log_size
    from new_stamp n
  ),
  queued as (
    -- A challan has at most 99 lines and a payment id has 56 bits, so this is unique and ordered as the payments are.
    insert into outbox (shard_id, outbox_id, kind, stamp_id, at, amount_paisa, payment_commitment, commitment, log_size)
    select p_shard, n.payment_id * 128 + n.line_no, 'issue', n.stamp_id, p_posted_at, n.amount_paisa, n.payment_commitment, n.record_root, v_log_size
    from new_stamp n
  ),
  recorded as (
    insert into request_record (shard_id, participant_code, request_key, kind, psid, amount_paisa, result, payment_id, answered_at)
    select p_shard, d.participant, d.request_key, 'payment', d.psid, d.amount, d.result, case when d.result = 'approved' then d.payment_id end, p_posted_at
    from decided d where d.result <> 'participant-unavailable'
  )
  -- Pieces of the answers, put together by their ordinal; joining them would compare each with each.
  select x.ordinal, max(x.result), false, max(x.payment_id),
    max(x.authorisation), case when max(x.payment_id) is not null then p_posted_at end, case when max(x.payment_id) is not null then v_today end,
    coalesce(array_agg(x.stamp_id order by x.line_no) filter (where x.stamp_id is not null), '{}')
  from (
    select d.ordinal, d.result, case when d.result = 'approved' then d.payment_id end as payment_id, case when d.result = 'approved' then d.authorisation end as authorisation,
      null::smallint as line_no, null::text as stamp_id
    from decided d
    union all
    select n.ordinal, null, null, null, n.line_no, n.stamp_id from new_stamp n
  ) x
  where same_count((select count(*) from paid), (select count(*) from decided d where d.result = 'approved'))
  group by x.ordinal
  order by x.ordinal;
end $$;

-- Nobody looks for rows by these, and sampling them reads megabytes out of the line (ANALYZE, autovacuum).
alter table challan alter column application set statistics 0, alter column duty set statistics 0,
  alter column facts_secret set statistics 0, alter column application_hash set statistics 0;
alter table challan_line alter column facts_root set statistics 0;
alter table stamp alter column salt set statistics 0, alter column record_root set statistics 0;
alter table outbox alter column payment_commitment set statistics 0, alter column commitment set statistics 0;

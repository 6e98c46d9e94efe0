-- Every invariant of the books and registers (TRUST.md part C). Each query selects the rows that break it: none
-- when it holds. `-- name:` begins a query; the line after it says what must hold. Run by `sanad audit`, by tests,
-- and those marked (online) every minute by the running product over what is new: $1 is the lowest row id to look
-- at and $2 the lowest business date; an audit gives the lowest there are.

-- name: books-sum-to-zero (online)
-- The balances of each shard sum to zero.
select b.shard_id, sum(b.debits_paisa) as debits, sum(b.credits_paisa) as credits
from account_balance b group by 1 having sum(b.debits_paisa) <> sum(b.credits_paisa);

-- name: journal-balances (online)
-- Every journal entry sums to zero (I1).
select p.shard_id, p.business_date, p.journal_id::text as journal_id
from posting p where p.business_date >= $2 and p.journal_id >= $1 group by 1, 2, 3
having sum(case p.side when 'D' then p.amount_paisa else -p.amount_paisa end) <> 0;

-- name: journal-whole (online)
-- Every posting belongs to a journal entry, and every journal entry has at least two postings.
select e.shard_id, e.journal_id::text as journal_id
from journal_entry e left join posting p using (shard_id, business_date, journal_id)
where e.business_date >= $2 and e.journal_id >= $1
group by 1, 2 having count(p.line_no) < 2
union all
select p.shard_id, p.journal_id::text from posting p
left join journal_entry e using (shard_id, business_date, journal_id)
where p.business_date >= $2 and p.journal_id >= $1 and e.journal_id is null;

-- name: balances-equal-days (online)
-- Every running balance equals the sum of its account's days (I2).
select b.shard_id, a.path
from account_balance b
join account a using (shard_id, account_id)
left join (
  select shard_id, account_id, sum(debits_paisa) as debits, sum(credits_paisa) as credits, sum(postings) as postings
  from account_day group by 1, 2
) s using (shard_id, account_id)
where (b.debits_paisa, b.credits_paisa, b.postings) is distinct from (coalesce(s.debits, 0), coalesce(s.credits, 0), coalesce(s.postings, 0));

-- name: days-equal-postings
-- What moved on an account on a day equals the sum of its postings of that day (I2), unless they are archived.
select shard_id, account_id::text as account_id, business_date
from account_day d
full join (
  select shard_id, account_id, business_date,
    coalesce(sum(amount_paisa) filter (where side = 'D'), 0) as debits,
    coalesce(sum(amount_paisa) filter (where side = 'C'), 0) as credits, count(*) as postings
  from posting group by 1, 2, 3
) s using (shard_id, account_id, business_date)
where (d.debits_paisa, d.credits_paisa, d.postings) is distinct from (s.debits, s.credits, s.postings)
  and date_trunc('month', business_date) not in (select x.month from archived_month x);

-- name: holds-counted (online)
-- What is reserved on an account is the sum of its living holds, and a guarded account has at least that.
select b.shard_id, b.account_id::text as account_id
from account_balance b
left join (select shard_id, account_id, sum(amount_paisa) as held from hold where state = 'reserved' group by 1, 2) h using (shard_id, account_id)
where b.held_paisa <> coalesce(h.held, 0) or (b.guarded and b.credits_paisa - b.debits_paisa < b.held_paisa);

-- name: holds-posted
-- A posted hold has its journal entry, and paid no more than it reserved.
select h.shard_id, h.hold_id::text as hold_id
from hold h
left join payment m on m.shard_id = h.shard_id and m.payment_id = h.journal_id
where h.state = 'posted' and (m.payment_id is null or m.amount_paisa > h.amount_paisa);

-- name: suspense-explained (online)
-- What stands on suspense:unmatched is the sum of its open items.
select a.shard_id, a.path
from account a join account_balance b using (shard_id, account_id)
where a.path = 'suspense:unmatched' and b.credits_paisa - b.debits_paisa
  <> coalesce((select sum(u.amount_paisa) from suspense_item u where u.shard_id = a.shard_id and u.state = 'open'), 0);

-- name: suspense-posted (online)
-- Every suspense item has its journal entry of the same amount.
select u.shard_id, u.suspense_id::text as suspense_id
from suspense_item u
left join posting p on p.shard_id = u.shard_id and p.business_date = u.business_date and p.journal_id = u.suspense_id and p.side = 'D'
where u.suspense_id >= $1 and u.business_date >= $2 and p.amount_paisa is distinct from u.amount_paisa
  and date_trunc('month', u.business_date) not in (select x.month from archived_month x);

-- name: accounts-known
-- Every posting is to an account of the chart.
select distinct p.shard_id, p.account_id::text as account_id
from posting p left join account a using (shard_id, account_id) where a.account_id is null;

-- name: payment-posted (online)
-- Every payment has its journal entry of the same amount, unless it is archived (I4).
select m.shard_id, m.payment_id::text as payment_id
from payment m
left join journal_entry e on e.shard_id = m.shard_id and e.business_date = m.business_date and e.journal_id = m.payment_id and e.kind = 'payment'
left join posting p on p.shard_id = m.shard_id and p.business_date = m.business_date and p.journal_id = m.payment_id and p.side = 'D'
where m.payment_id >= $1 and date_trunc('month', m.business_date) not in (select x.month from archived_month x)
group by m.shard_id, m.payment_id, m.amount_paisa, e.journal_id
having e.journal_id is null or sum(p.amount_paisa) is distinct from m.amount_paisa;

-- name: payment-reversed
-- A reversed payment has one reversing entry, and any other none (I9).
select m.shard_id, m.payment_id::text as payment_id
from payment m
left join journal_entry r on r.shard_id = m.shard_id and r.reverses_journal_id = m.payment_id and r.kind = 'reversal'
where date_trunc('month', (m.reversed_at at time zone 'Asia/Karachi')::date) not in (select x.month from archived_month x) or m.reversed_at is null
group by m.shard_id, m.payment_id, m.state
having count(r.journal_id) <> case m.state when 'reversed' then 1 else 0 end;

-- name: journal-has-reason (online)
-- Every journal entry is that of a payment, of a suspense item, of the reversal of one of them, or was asked for.
select e.shard_id, e.journal_id::text as journal_id
from journal_entry e
left join payment m using (shard_id, payment_id)
left join suspense_item u on u.shard_id = e.shard_id and u.suspense_id = coalesce(e.reverses_journal_id, e.journal_id)
where e.business_date >= $2 and e.journal_id >= $1 and e.kind in ('payment', 'reversal', 'suspense') and m.payment_id is null and u.suspense_id is null;

-- name: challan-state
-- A challan is paid exactly when one unreversed payment of its amount exists.
select c.shard_id, c.psid
from challan c left join payment m on m.shard_id = c.shard_id and m.psid = c.psid and m.state = 'posted'
group by c.shard_id, c.psid, c.state, c.amount_paisa, c.payment_id
having count(m.payment_id) <> case c.state when 'paid' then 1 else 0 end
  or (c.state = 'paid' and (min(m.amount_paisa) <> c.amount_paisa or min(m.payment_id) <> c.payment_id));

-- name: challan-lines
-- The lines of a challan sum to its amount.
select c.shard_id, c.psid
from challan c left join challan_line l using (shard_id, psid)
group by c.shard_id, c.psid, c.amount_paisa having coalesce(sum(l.amount_paisa), 0) <> c.amount_paisa;

-- name: stamp-for-payment (online)
-- A posted payment has one living stamp for every stamp-bearing line of its challan; a reversed one has none (I6).
select m.shard_id, m.payment_id::text as payment_id
from payment m
join challan_line l on l.shard_id = m.shard_id and l.psid = m.psid and l.stamp_kind is not null
left join stamp s on s.shard_id = m.shard_id and s.payment_id = m.payment_id and s.line_no = l.line_no and s.state <> 'cancelled'
where m.payment_id >= $1
group by m.shard_id, m.payment_id, m.state, l.line_no
having count(s.stamp_id) <> case m.state when 'posted' then 1 else 0 end;

-- name: stamp-paid (online)
-- No stamp without its payment, and its amount is that of its challan line (I6).
select s.shard_id, s.stamp_id
from stamp s
left join payment m using (shard_id, payment_id)
left join challan_line l on l.shard_id = s.shard_id and l.psid = s.psid and l.line_no = s.line_no
where s.payment_id >= $1 and (m.payment_id is null or l.psid is null or m.psid <> s.psid or l.amount_paisa <> s.amount_paisa
  or l.stamp_kind <> s.kind or s.issued_at <> m.posted_at);

-- name: stamp-committed (online)
-- A stamp's record root is that of its own facts (docs/spec/leaf.md).
select s.shard_id, s.stamp_id
from stamp s join challan_line l on l.shard_id = s.shard_id and l.psid = s.psid and l.line_no = s.line_no
where s.payment_id >= $1 and s.record_root <> sha256('\x01'::bytea || l.facts_root || sha256('\x00'::bytea || s.salt || convert_to(s.stamp_id || s.psid, 'UTF8')
  || epoch_ms(s.issued_at) || int8send(s.amount_paisa)));

-- name: stamp-state-recorded
-- A stamp's state is what its events say.
select s.shard_id, s.stamp_id
from stamp s left join stamp_event e using (shard_id, stamp_id)
group by s.shard_id, s.stamp_id, s.state
having s.state <> coalesce((array_agg(case e.kind when 'cancel' then 'cancelled' when 'lock' then 'delisted' when 'spoil' then 'spoiled' when 'refund-request' then 'refund-requested'
  when 'refund-refuse' then 'given-back' when 'refund' then 'refunded' end order by e.event_id desc))[1], 'issued')
  -- A refused request gives the stamp back its state of before.
  and not ((array_agg(e.kind order by e.event_id desc))[1] = 'refund-refuse'
    and s.state = case when bool_or(e.kind = 'spoil') then 'spoiled' else 'issued' end);

-- name: outbox-complete (online)
-- Every stamp is in the outbox or in the log, and in one of them only (I14).
select s.shard_id, s.stamp_id
from stamp s
left join outbox o on o.shard_id = s.shard_id and o.stamp_id = s.stamp_id and o.kind = 'issue'
left join log_leaf g on g.shard_id = s.shard_id and g.stamp_id = s.stamp_id and g.kind = 'issue'
where s.payment_id >= $1
group by s.shard_id, s.stamp_id having count(distinct o.outbox_id) + count(distinct g.leaf_index) <> 1;

-- name: events-complete
-- Every event of a stamp's life that has a leaf is in the outbox or in the log, and in one of them only (I14).
select e.shard_id, e.stamp_id
from stamp_event e
left join outbox o on o.shard_id = e.shard_id and o.stamp_id = e.stamp_id and o.kind = e.kind
left join log_leaf g on g.shard_id = e.shard_id and g.stamp_id = e.stamp_id and g.kind = e.kind
where e.kind not in ('refund-request', 'refund-refuse')
group by e.shard_id, e.event_id, e.stamp_id having count(distinct o.outbox_id) + count(distinct g.leaf_index) <> 1;

-- name: leaf-has-stamp
-- Every leaf of a stamp or event in the log has its row in the register, with the same commitment and amount (I14).
select g.shard_id, g.stamp_id
from log_leaf g
left join stamp s on s.shard_id = g.shard_id and s.stamp_id = g.stamp_id
where g.kind = 'issue'
  and (s.stamp_id is null or substring(g.entry from 27 for 32) <> s.record_root or substring(g.entry from 11 for 8) <> int8send(s.amount_paisa)
    or substring(g.entry from 3 for 8) <> epoch_ms(s.issued_at))
union all
select g.shard_id, g.stamp_id
from log_leaf g
left join stamp_event e on e.shard_id = g.shard_id and e.stamp_id = g.stamp_id and e.kind = g.kind
where g.kind in ('cancel', 'lock', 'refund', 'spoil')
  and (e.stamp_id is null or substring(g.entry from 27 for 32) <> e.commitment);

-- name: answers-true
-- Every approved request has its payment (I3).
select r.shard_id, r.request_key
from request_record r left join payment m using (shard_id, payment_id)
where r.kind = 'payment' and r.result = 'approved' and (m.payment_id is null or m.psid <> r.psid or m.amount_paisa <> r.amount_paisa);

-- name: payment-answered (online)
-- Every payment was answered under its request key (I5).
select m.shard_id, m.request_key
from payment m left join request_record r on r.shard_id = m.shard_id and r.participant_code = m.participant_code and r.request_key = m.request_key
where m.payment_id >= $1 and (r.payment_id is distinct from m.payment_id or r.result <> 'approved');

-- name: service-challans
-- A challan for a service is of the department whose prefix its PSID has, and no other challan has a service.
select coalesce(c.shard_id, s.shard_id) as shard_id, coalesce(c.psid, s.psid) as psid
from (select shard_id, psid from challan where kind = 'service') c
full join service_challan s using (shard_id, psid)
left join department d on d.code = s.department_code
where c.psid is null or s.psid is null or d.prefix is distinct from substr(s.psid, 1, 3);

-- name: department-events-complete
-- A department that listens has been told of every payment of its PSIDs, once it is half an hour old.
select distinct m.shard_id, m.payment_id::text as payment_id
from webhook_endpoint e
join department d on d.code = e.department_code
join payment m on substr(m.psid, 1, 3) = d.prefix and m.posted_at >= e.changed_at
join feed_cursor f on f.shard_id = m.shard_id and f.follower = 'webhooks' and m.posted_at < f.moved_at - interval '30 minutes'
left join department_event v on v.shard_id = m.shard_id and v.journal_id = m.payment_id
where e.active and v.event_id is null;

-- name: department-events-sent
-- Every event is on its way to at least one endpoint.
select v.shard_id, v.event_id::text as event_id
from department_event v left join webhook_delivery w on w.shard_id = v.shard_id and w.event_id = v.event_id
group by v.shard_id, v.event_id having count(w.endpoint_id) = 0;

-- name: biller-payments
-- An external bill's payment that is settled stands in the books, and one that was refused or undone does not.
select b.shard_id, b.biller_payment_id::text as biller_payment_id, b.state
from biller_payment b
left join payment m on m.shard_id = b.shard_id and m.psid = b.psid and m.state = 'posted'
  and m.participant_code = b.participant_code and m.request_key = b.request_key
where b.state in ('settled', 'refused', 'cancelled') and (b.state = 'settled') <> (m.payment_id is not null);

-- name: disputes-handed-over
-- A dispute that was handed over has an open case, and a case that was decided has no open dispute.
select d.shard_id, d.dispute_id::text as dispute_id
from dispute d left join exception_case c on c.shard_id = d.shard_id and c.origin = 'dispute' and c.origin_id = d.dispute_id
where (d.state = 'handed-over') <> (c.case_id is not null and c.state = 'open');

-- name: used-reversals-handed-over
-- Every reversal that was refused because the stamp is used has its case.
select r.shard_id, r.request_key
from request_record r
join request_record o on o.shard_id = r.shard_id and o.participant_code = r.participant_code and o.request_key = r.original_key
left join exception_case c on c.shard_id = r.shard_id and c.origin = 'reversal' and c.origin_id = o.payment_id
where r.kind = 'reversal' and r.result = 'stamp-used' and c.case_id is null;

-- A reversal that came after the stamp was used is refused, and the money is then a matter between the bank, its
-- customer and the treasury: it becomes a case of the desk of exceptions, in the same commit as the refusal.

alter table exception_case drop constraint exception_case_origin_check;
alter table exception_case add constraint exception_case_origin_check check (origin in ('dispute', 'biller-payment', 'reversal'));

alter function reverse_payment(smallint, bigint, timestamptz, bigint, text, text, text, text, bigint) rename to reverse_in_books;

-- The case of a payment whose reversal was refused because its stamp is used: one for each payment, whoever asks how
-- often. Its id is the payment's, which no other case has.
create function open_reversal_case(p_shard smallint, p_participant text, p_request_key text, p_original_key text, p_at timestamptz) returns void language plpgsql as $$
begin
  insert into exception_case (shard_id, case_id, origin, origin_id, reason, psid, amount_paisa, facts, opened_at, due_at)
  select m.shard_id, m.payment_id, 'reversal', m.payment_id, 'stamp-used', m.psid, m.amount_paisa,
    jsonb_build_object('participant', p_participant, 'paymentKey', p_original_key, 'reversalKey', p_request_key,
      'stamps', (select jsonb_agg(jsonb_build_object('id', t.stamp_id, 'state', t.state) order by t.stamp_id)
        from stamp t where t.shard_id = m.shard_id and t.payment_id = m.payment_id)),
    p_at, p_at + interval '7 days'
  from request_record o join payment m on m.shard_id = o.shard_id and m.payment_id = o.payment_id
  where o.shard_id = p_shard and o.participant_code = p_participant and o.request_key = p_original_key
  on conflict (shard_id, origin, origin_id) do nothing;
end $$;

-- As before (migrations/0002-core.sql), and opens the case of one that is refused with stamp-used.
create function reverse_payment(
  p_shard smallint, p_epoch bigint, p_at timestamptz, p_journal_id bigint,
  p_participant text, p_request_key text, p_original_key text, p_psid text, p_amount bigint
) returns table (result text, repeated boolean) language plpgsql as $$
declare
  v_answer record;
begin
  select a.result, a.repeated into strict v_answer
  from reverse_in_books(p_shard, p_epoch, p_at, p_journal_id, p_participant, p_request_key, p_original_key, p_psid, p_amount) a;
  if v_answer.result = 'stamp-used' and not v_answer.repeated then
    perform open_reversal_case(p_shard, p_participant, p_request_key, p_original_key, p_at);
  end if;
  return query select v_answer.result, v_answer.repeated;
end $$;

-- Reversals that were refused before this.
select open_reversal_case(r.shard_id, r.participant_code, r.request_key, r.original_key, r.answered_at)
from request_record r where r.kind = 'reversal' and r.result = 'stamp-used';

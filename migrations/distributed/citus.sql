-- Makes the books scale out on Citus: tables are spread by shard_id, small ones copied to every node, and the functions
-- of the lane run where their shard is. Run by `sanad migrate --distributed citus`, which then calls what is made here
-- step by step; every step may be run again. Nothing in this file runs on a plain PostgreSQL.
--
-- How a routed function works. Citus sends the call to the node that owns p_shard (function delegation). There the body
-- must not go through Citus' own planner, which refuses the one statement of post_payments. So each routed function is
-- moved to the schema `inside` unchanged, and a wrapper of the same name takes its place: it puts plain views on the
-- shard's own tables at the head of search_path and calls the body. The body then runs at the speed of one PostgreSQL.

create schema if not exists scale_out;
create schema if not exists inside;

-- Foreign keys on their way: dropped before their tables are spread, made again afterwards. Kept in a table, so that a
-- run that was cut off can be finished by the next one.
create table if not exists scale_out.foreign_key (
  table_name text not null,
  name       text not null,
  definition text not null,
  primary key (table_name, name)
);

create or replace function scale_out.is_spread(p_table text) returns boolean language sql stable as $$
  select exists (select 1 from pg_dist_partition where logicalrelid = to_regclass('public.' || quote_ident(p_table)))
$$;

-- Takes off the foreign keys from and to tables that are not spread yet; answers how many.
create or replace function scale_out.lift_foreign_keys(p_tables text[]) returns integer language plpgsql as $$
declare
  v_key record;
  v_count integer := 0;
begin
  for v_key in
    select c.conrelid::regclass::text as table_name, c.conname as name, pg_get_constraintdef(c.oid) as definition
    from pg_constraint c
    where c.contype = 'f' and c.conparentid = 0 and c.connamespace = 'public'::regnamespace and exists (
      select 1 from unnest(p_tables) as t (name)
      where not scale_out.is_spread(t.name) and to_regclass('public.' || quote_ident(t.name)) in (c.conrelid, c.confrelid))
  loop
    insert into scale_out.foreign_key (table_name, name, definition) values (v_key.table_name, v_key.name, v_key.definition);
    execute format('alter table public.%s drop constraint %I', v_key.table_name, v_key.name);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

-- Makes the next lifted foreign key again; answers its name, or null when there is none left.
create or replace function scale_out.return_foreign_key() returns text language plpgsql as $$
declare
  v_key scale_out.foreign_key;
begin
  select * into v_key from scale_out.foreign_key order by table_name, name limit 1;
  if not found then
    return null;
  end if;
  execute format('alter table public.%s add constraint %I %s', v_key.table_name, v_key.name, v_key.definition);
  delete from scale_out.foreign_key where table_name = v_key.table_name and name = v_key.name;
  return v_key.table_name || '.' || v_key.name;
end $$;

-- Empties what is left on the coordinator of tables that had rows before they were spread; answers their names. The
-- triggers that keep rows for ever must not see it: the rows are in the shards now.
create or replace function scale_out.drop_left_behind() returns setof text language plpgsql as $$
declare
  v_table regclass;
begin
  for v_table in
    select p.logicalrelid from pg_dist_partition p
    join pg_class c on c.oid = p.logicalrelid and c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
    where p.partmethod = 'h' or (p.partmethod = 'n' and p.repmodel = 't')
    order by p.logicalrelid::text
  loop
    if pg_relation_size(v_table) > 0 then
      perform set_config('session_replication_role', 'replica', true);
      perform truncate_local_data_after_distributing_table(v_table);
      perform set_config('session_replication_role', 'origin', true);
      return next v_table::text;
    end if;
  end loop;
end $$;

-- Copies every function that is not routed to all nodes, with the one that opens a shard; answers the names of the new ones.
create or replace function scale_out.copy_functions(p_routed text[]) returns setof text language plpgsql as $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid::regprocedure from pg_proc p
    where (p.oid = 'inside.enter_shard(smallint)'::regprocedure
        or (p.pronamespace = 'public'::regnamespace and p.proname <> all (p_routed)
          and not exists (select 1 from pg_depend d where d.objid = p.oid and d.deptype = 'e')))
      and not exists (select 1 from pg_dist_object o where o.classid = 'pg_proc'::regclass and o.objid = p.oid)
      -- It makes tables, which is the coordinator's work.
      and p.proname <> 'ensure_journal_partitions'
    order by p.oid
  loop
    perform create_distributed_function(v_function);
    return next v_function::text;
  end loop;
end $$;

-- Forgets the views of every node; the next call to a shard makes them anew. Before and after a change of the schema.
create or replace function scale_out.forget_views() returns void language plpgsql as $$
declare
  v_failed text;
begin
  select string_agg(r.result, '; ') into v_failed from run_command_on_all_nodes($command$
    do $do$
    declare
      v_schema text;
    begin
      perform set_config('citus.enable_ddl_propagation', 'off', true);
      for v_schema in select nspname from pg_namespace where nspname ~ '^here_[0-9]+$' loop
        execute format('drop schema if exists %I cascade', v_schema);
      end loop;
    end $do$ $command$) r where not r.success;
  if v_failed is not null then
    raise exception 'the views of a node could not be dropped: %', v_failed;
  end if;
end $$;

-- Puts the views of a shard at the head of search_path until the transaction ends, making them when they are missing.
-- Raises 40001 when the shard is not on this node (it was just moved): the caller tries again and is sent right.
create or replace function inside.enter_shard(p_shard smallint) returns void language plpgsql as $$
declare
  v_shard bigint := get_shard_id_for_distribution_column('public.account', p_shard);
  v_schema text := format('here_%s', v_shard);
  v_propagation text;
  v_view record;
begin
  -- The lock that a move of the shard takes too: what is written below is never written to a place just left.
  perform lock_shard_metadata(5, array[v_shard]);
  perform 1 from pg_dist_placement where shardid = v_shard and groupid = (select groupid from pg_dist_local_group);
  if not found then
    raise exception 'shard % is not on this node', p_shard using errcode = '40001',
      hint = 'Call the function outside of an open transaction, or try again after the shard has moved.';
  end if;
  if to_regclass(v_schema || '.account') is null then
    -- Of two callers that come first at the same time one makes the views; the lock is of this node only.
    perform pg_advisory_xact_lock(7203417, (v_shard % 2147483647)::integer);
  end if;
  if to_regclass(v_schema || '.account') is null then
    v_propagation := current_setting('citus.enable_ddl_propagation');
    perform set_config('citus.enable_ddl_propagation', 'off', true);
    execute format('create schema if not exists %I', v_schema);
    for v_view in
      select c.relname as name, shard_name(s.logicalrelid, s.shardid) as shard_table
      from pg_dist_partition p
      join pg_class c on c.oid = p.logicalrelid and not c.relispartition and c.relnamespace = 'public'::regnamespace
      join pg_dist_shard s on s.logicalrelid = p.logicalrelid
      left join pg_dist_shard own on own.shardid = v_shard
      where (p.partmethod = 'n' and p.repmodel = 't')
        or (p.colocationid = (select a.colocationid from pg_dist_partition a where a.logicalrelid = 'public.account'::regclass)
            and s.shardminvalue = own.shardminvalue)
    loop
      execute format('create or replace view %I.%I as select * from %s', v_schema, v_view.name, v_view.shard_table);
    end loop;
    perform set_config('citus.enable_ddl_propagation', v_propagation, true);
  end if;
  perform set_config('search_path', v_schema || ', public', true);
end $$;

-- Moves a function (found by its name, first argument p_shard) inside, puts its wrapper in its place and routes it.
-- Answers false when that was done before. A migration that replaces the function puts the plain body back in its
-- place: then this does its work again.
create or replace function scale_out.route_function(p_name text) returns boolean language plpgsql as $$
declare
  v_function pg_proc;
  v_old regprocedure;
  v_arguments text;
  v_call text;
begin
  select * into strict v_function from pg_proc where pronamespace = 'public'::regnamespace and proname = p_name;
  if v_function.prosrc like '%inside.enter_shard(%' then
    return false;
  end if;
  if v_function.proargnames[1] <> 'p_shard' or v_function.proargtypes[0] <> 'smallint'::regtype then
    raise exception 'function % does not have p_shard smallint as its first argument', p_name;
  end if;
  for v_old in select oid::regprocedure from pg_proc where pronamespace = 'inside'::regnamespace and proname = p_name loop
    execute format('drop function %s', v_old);
  end loop;
  v_arguments := pg_get_function_arguments(v_function.oid);
  v_call := format('inside.%I(%s)', p_name,
    (select string_agg('$' || n, ', ' order by n) from generate_series(1, v_function.pronargs) as n));
  execute format('alter function public.%I(%s) set schema inside', p_name, pg_get_function_identity_arguments(v_function.oid));
  perform create_distributed_function(v_function.oid::regprocedure);
  execute format('create function public.%I(%s) returns %s language plpgsql as %L', p_name, v_arguments,
    pg_get_function_result(v_function.oid),
    format('begin perform inside.enter_shard(p_shard); %s; end',
      case when v_function.proretset then 'return query select * from ' || v_call
           when v_function.prorettype = 'void'::regtype then 'perform ' || v_call
           else 'return ' || v_call end));
  select oid into strict v_function.oid from pg_proc where pronamespace = 'public'::regnamespace and proname = p_name;
  perform create_distributed_function(v_function.oid::regprocedure, 'p_shard', colocate_with := 'public.account', force_delegation := true);
  return true;
end $$;

-- Run by the tests of nat-acct, in ClickHouse 26.9 (chdb).
--
-- The connections, ordered for the question who had a translated address and port, and two tables to
-- insert records into as they are: nat_acct_ecs and nat_acct_compact, which keep nothing themselves.
--
-- Addresses are of one type; IPv4 is ::ffff:192.0.2.1, and may be asked for as 192.0.2.1. Where a
-- record has no translated address, or no remote, the address is :: and the port 0.

CREATE TABLE IF NOT EXISTS nat_acct
(
    translated_ip   IPv6,
    translated_port UInt16 CODEC(Delta, ZSTD),
    started         DateTime64(6, 'UTC') CODEC(T64, ZSTD),
    id              UUID,
    action          Enum8('start' = 0, 'update' = 1, 'end' = 2),
    -- Of the records of one connection, the one with the greatest number is the last word: the
    -- start has 0, an update one second more than it knows of, the end the greatest there is.
    word            UInt32,
    -- When the last segment was seen, as far as the record knows.
    ended           DateTime64(6, 'UTC') CODEC(T64, ZSTD),
    -- How long after that the record was made, in microseconds.
    lingered        UInt64 CODEC(T64, ZSTD),
    written         DateTime64(6, 'UTC') ALIAS ended + toIntervalMicrosecond(lingered),
    reason          LowCardinality(String),
    direction       Enum8('outbound' = 0, 'inbound' = 1),
    client_ip       IPv6 CODEC(ZSTD),
    client_port     UInt16 CODEC(ZSTD),
    remote_ip       IPv6 CODEC(ZSTD),
    remote_port     UInt16,
    sent            UInt64 CODEC(T64, ZSTD),
    received        UInt64 CODEC(T64, ZSTD),
    sent_twice      UInt64 CODEC(T64, ZSTD),
    received_twice  UInt64 CODEC(T64, ZSTD),
    sent_ip_bytes       UInt64 CODEC(T64, ZSTD),
    received_ip_bytes   UInt64 CODEC(T64, ZSTD),
    sent_packets        UInt64 CODEC(T64, ZSTD),
    received_packets    UInt64 CODEC(T64, ZSTD),
    matched         LowCardinality(String),
    partial         Bool,
    inside          LowCardinality(String),
    vlan            LowCardinality(String),
    beyond          LowCardinality(String),
    -- Whose numbers `sequence` are, and the number; 0 but in records of ends.
    run             LowCardinality(String),
    sequence        UInt64 CODEC(T64, ZSTD),
    INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 1,
    -- What is in another format, or no record, is refused and not taken for empty.
    CONSTRAINT is_a_record CHECK id != toUUID('00000000-0000-0000-0000-000000000000') AND client_ip != toIPv6('::')
)
ENGINE = ReplacingMergeTree(word)
-- An end is looked for from the day that is asked for, a start or an update on all days before it, too.
PARTITION BY (toYYYYMMDD(ended), action = 'end')
PRIMARY KEY (translated_ip, translated_port, started)
ORDER BY (translated_ip, translated_port, started, id)
TTL toDateTime(ended) + INTERVAL 180 DAY,
    toDateTime(ended) + INTERVAL 30 DAY DELETE WHERE action != 'end'
SETTINGS ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS nat_acct_ecs
(
    `@timestamp` DateTime64(6, 'UTC'),
    event Tuple(action LowCardinality(String), id UUID, sequence UInt64, start DateTime64(6, 'UTC'),
        `end` Nullable(DateTime64(6, 'UTC')), duration UInt64, reason LowCardinality(String)),
    network Tuple(transport LowCardinality(String), direction LowCardinality(String)),
    source Tuple(ip IPv6, port UInt16, nat Tuple(ip IPv6, port UInt16), bytes UInt64, packets UInt64),
    destination Tuple(ip IPv6, port UInt16, nat Tuple(ip IPv6, port UInt16), bytes UInt64, packets UInt64),
    nat_acct Tuple(sent UInt64, received UInt64, retransmitted Tuple(sent UInt64, received UInt64),
        match LowCardinality(String), partial Bool),
    observer Tuple(ingress Tuple(interface Tuple(name LowCardinality(String)), vlan Tuple(id LowCardinality(String))),
        egress Tuple(interface Tuple(name LowCardinality(String)), vlan Tuple(id LowCardinality(String)))),
    agent Tuple(ephemeral_id LowCardinality(String))
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS nat_acct_from_ecs TO nat_acct AS
WITH
    network.direction = 'outbound' AS is_outbound,
    replaceOne(event.action, 'nat-session-', '') AS stage,
    if(is_outbound, source, destination) AS client,
    if(is_outbound, destination, source) AS remote,
    if(is_outbound, observer.ingress, observer.egress) AS inner,
    if(is_outbound, observer.egress, observer.ingress) AS outer
SELECT
    client.nat.ip AS translated_ip,
    client.nat.port AS translated_port,
    event.start AS started,
    event.id AS id,
    stage AS action,
    multiIf(stage = 'end', 4294967295, stage = 'update', 1 + intDiv(event.duration, 1000000000), 0) AS word,
    ifNull(event.`end`, event.start) AS ended,
    greatest(0, dateDiff('microsecond', ended, `@timestamp`)) AS lingered,
    event.reason AS reason,
    network.direction AS direction,
    client.ip AS client_ip,
    client.port AS client_port,
    remote.ip AS remote_ip,
    remote.port AS remote_port,
    nat_acct_ecs.nat_acct.sent AS sent,
    nat_acct_ecs.nat_acct.received AS received,
    nat_acct_ecs.nat_acct.retransmitted.sent AS sent_twice,
    nat_acct_ecs.nat_acct.retransmitted.received AS received_twice,
    client.bytes AS sent_ip_bytes,
    remote.bytes AS received_ip_bytes,
    client.packets AS sent_packets,
    remote.packets AS received_packets,
    nat_acct_ecs.nat_acct.match AS matched,
    nat_acct_ecs.nat_acct.partial AS partial,
    inner.interface.name AS inside,
    inner.vlan.id AS vlan,
    outer.interface.name AS beyond,
    agent.ephemeral_id AS run,
    event.sequence AS sequence
FROM nat_acct_ecs;

CREATE TABLE IF NOT EXISTS nat_acct_compact
(
    n UInt64, id UUID, k LowCardinality(String) DEFAULT 'end', s Int64, d UInt64, w Int64,
    dir LowCardinality(String) DEFAULT 'outbound', c String, x String, r String,
    sb UInt64, rb UInt64, si UInt64, ri UInt64, sp UInt64, rp UInt64, sr UInt64, rr UInt64,
    e LowCardinality(String), m LowCardinality(String) DEFAULT 'sequence', p Bool,
    i LowCardinality(String), v LowCardinality(String), o LowCardinality(String), a LowCardinality(String)
)
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS nat_acct_from_compact TO nat_acct AS
WITH
    -- 192.0.2.1:80 and [2001:db8::1]:80; what is absent is an empty string.
    ip_and_port -> extractGroups(ip_and_port, '^\\[?([^\\]]*?)\\]?:([0-9]+)$') AS parts,
    endpoint -> (toIPv6OrDefault(arrayElement(parts(endpoint), 1)), toUInt16OrZero(arrayElement(parts(endpoint), 2))) AS split
SELECT
    split(x).1 AS translated_ip,
    split(x).2 AS translated_port,
    fromUnixTimestamp64Micro(s, 'UTC') AS started,
    id,
    k AS action,
    multiIf(k = 'end', 4294967295, k = 'update', 1 + intDiv(d, 1000000), 0) AS word,
    fromUnixTimestamp64Micro(s + d, 'UTC') AS ended,
    greatest(0, w) AS lingered,
    e AS reason,
    dir AS direction,
    split(c).1 AS client_ip,
    split(c).2 AS client_port,
    split(r).1 AS remote_ip,
    split(r).2 AS remote_port,
    sb AS sent,
    rb AS received,
    sr AS sent_twice,
    rr AS received_twice,
    si AS sent_ip_bytes,
    ri AS received_ip_bytes,
    sp AS sent_packets,
    rp AS received_packets,
    m AS matched,
    p AS partial,
    i AS inside,
    v AS vlan,
    o AS beyond,
    a AS run,
    n AS sequence
FROM nat_acct_compact;

-- Run by the tests of nat-acct, in ClickHouse 26.9 (chdb).
--
-- Who had this translated address and port at that time: all connections that may be meant, the
-- nearest first. Parameters, over HTTP with `param_` before their names:
--
--   address      the translated address, IPv4 or IPv6
--   port         its port; 0: all clients of the address
--   at           the time, in seconds since 1970 with up to six decimals
--   within       by how many seconds the clocks of both sides may differ
--   remote_ip    the remote's address; ::: not known
--   remote_port  its port; 0: not known
--
-- `ended` is NULL while no record says that the connection is over; `known_until` is then when its
-- last segment was seen, as far as the records know. `away` is by how many seconds the connection
-- misses the time: 0 if it was open. A connection whose record leaves out the remote fits every one.
WITH
    toDateTime64({at:Decimal(16, 6)}, 6, 'UTC') AS asked,
    asked - toIntervalMicrosecond(toInt64({within:Decimal(16, 6)} * 1000000)) AS earliest,
    asked + toIntervalMicrosecond(toInt64({within:Decimal(16, 6)} * 1000000)) AS latest,
    told AS
    (
        SELECT * FROM nat_acct
        WHERE translated_ip = {address:IPv6}
            AND ({port:UInt16} = 0 OR translated_port = {port:UInt16})
            AND started <= latest
            AND (action != 'end' OR ended >= earliest)
    ),
    -- Ends of those of which a start or an update was found: they may have come before the time, or
    -- without the translated address, if it came into doubt.
    over AS
    (
        SELECT * FROM nat_acct
        WHERE action = 'end'
            AND id IN (SELECT id FROM told WHERE action != 'end')
            AND ended >= (SELECT min(started) FROM told WHERE action != 'end')
    ),
    last AS
    (
        SELECT * FROM (SELECT * FROM told UNION ALL SELECT * FROM over)
        ORDER BY word DESC
        LIMIT 1 BY id
    )
SELECT
    replaceOne(toString(client_ip), '::ffff:', '') AS client_ip,
    client_port,
    replaceOne(toString(translated_ip), '::ffff:', '') AS translated_ip,
    translated_port,
    if(last.remote_ip = toIPv6('::'), NULL, replaceOne(toString(last.remote_ip), '::ffff:', '')) AS remote_ip,
    nullIf(last.remote_port, 0) AS remote_port,
    direction,
    started,
    if(action = 'end', ended, NULL) AS ended,
    last.ended AS known_until,
    multiIf(started > asked, dateDiff('microsecond', asked, started),
        action = 'end' AND last.ended < asked, dateDiff('microsecond', last.ended, asked), 0) / 1e6 AS away,
    reason,
    matched,
    partial,
    sent,
    received,
    inside,
    vlan,
    beyond,
    id
FROM last
WHERE last.translated_ip = {address:IPv6}
    AND ({port:UInt16} = 0 OR last.translated_port = {port:UInt16})
    AND (action != 'end' OR last.ended >= earliest)
    AND ({remote_ip:IPv6} = toIPv6('::') OR last.remote_ip IN (toIPv6('::'), {remote_ip:IPv6}))
    AND ({remote_port:UInt16} = 0 OR last.remote_port IN (0, {remote_port:UInt16}))
ORDER BY away, started DESC, id

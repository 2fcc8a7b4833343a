#!/bin/sh
# One night for a scheduler that knows nothing of ours (cron, systemd, a person): the day before by the institution's clock,
# JSON log lines on stderr, and one more try where another run held the lock (exit code 5).
#   RISKENGINE  the command (default: riskengine)      RISKENGINE_PROJECT  the project folder
#   DAY         the day whose knowledge counts (default: yesterday)
set -eu
command=${RISKENGINE:-riskengine}
day=${DAY:-$(date -d yesterday +%F)}
code=0
"$command" --log json nightly --as-of "$day" --fail-on "${FAIL_ON:-red}" || code=$?
if [ "$code" -eq 5 ]; then
    sleep "${PATIENCE:-600}"
    code=0
    "$command" --log json nightly --as-of "$day" --fail-on "${FAIL_ON:-red}" || code=$?
fi
# 0 done, 10 done with findings: both are a good night. 3 is a good night on old data: the publishers must be asked.
exit "$code"

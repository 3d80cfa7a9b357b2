# A step of a judged workflow that attempts forbidden actions; each prints `tried WHAT: OUTCOME`.
# FILES are paths on the machine that judges, NODE is the name of the cluster's node.
# An attempt that fails stops nothing.
set +e -u

tell() { echo "tried $1: $2"; }
status() { curl --silent --insecure --max-time 10 --output /dev/null --write-out '%{http_code}' "$1"; }

env
if env | grep --quiet 'canary+'; then tell environment found; else tell environment none; fi

found=none
for file in /proc/[0-9]*/environ; do
  # A process may have ended.
  if tr '\0' '\n' <"$file" 2>/dev/null | grep 'canary+'; then found=$file; fi
done
tell processes "$found"

found=none
for file in $FILES; do
  if cat "$file" 2>/dev/null; then found=$file; fi
done
tell files "$found"

containers=$(docker --host unix:///var/run/docker.sock ps --all --format '{{.Names}}' || echo error)
found=none
for name in pull-recovery runner ghcr "$NODE" error; do
  if grep --quiet "^$name" <<<"$containers"; then found=$name; fi
done
tell engine "$found"

# Port 53 is refused like any other port, and the guard does not count it as the lab's attempt.
curl --silent --max-time 10 http://169.254.169.254:53/latest/meta-data/
case $? in 7) tell metadata refused ;; *) tell metadata reached ;; esac
tell control "$(status http://ghcr.io:8080/log)"
tell api "$(status "https://$NODE:6443/api/v1/secrets")"
tell all done
exit 1

# shellcheck disable=SC1091 # files of the cluster

# The environment of all nodes, which srun passes on. Such lines often use variables that are not set.
@environment@

set -euo pipefail
for program in ensembler ray python3 srun; do
    if ! command -v "$program" >/dev/null; then
        echo "$program is not found: write the script again with --setup." >&2
        exit 1
    fi
done
export RAY_USAGE_STATS_ENABLED=0
# Whoever reaches Ray's ports runs code as this user, so each job has a secret of its own.
RAY_AUTH_TOKEN=$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n')
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN
unset RAY_ADDRESS RAY_AUTH_TOKEN_PATH

nodes=${SLURM_JOB_NUM_NODES:-1}
processors=${SLURM_CPUS_PER_TASK:-$(nproc)}
names=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${SLURMD_NODENAME:-${names%%$'\n'*}}

# Jobs of one user that share a node need folders of their own. Ray's sockets need a short path.
place=$(mktemp -d "/tmp/ray-${SLURM_JOB_ID}-XXXXXX")
head_process='' workers_process='' command_process='' stopped=''

end_process() {
    if [[ -n $1 ]] && kill -TERM "$1" 2>/dev/null; then
        wait "$1" 2>/dev/null || true
    fi
}

end_ray() {
    trap '' TERM USR1
    end_process "$command_process"
    end_process "$workers_process"
    end_process "$head_process"
    if ((nodes > 1)) && [[ -n $workers_process ]]; then
        srun --nodes=$((nodes - 1)) --ntasks=$((nodes - 1)) --ntasks-per-node=1 --exclude="$head" \
            rm -rf -- "$place" || true
    fi
    rm -rf -- "$place"
}
trap end_ray EXIT

# shellcheck disable=SC2317,SC2329 # a trap calls it
stop_command() {
    stopped=$1
    if [[ -n $command_process ]]; then
        # The command saves its state after the current step, as after Ctrl-C.
        kill -INT "$command_process" 2>/dev/null || true
    else
        exit 143
    fi
}
# SLURM sends USR1 before the time limit, and TERM when the job is cancelled or preempted.
trap 'stop_command USR1' USR1
trap 'stop_command TERM' TERM

# Runs until the process ends, also when a signal arrives meanwhile.
wait_for() {
    local code
    while true; do
        code=0
        wait "$1" || code=$?
        if ((code <= 128)) || ! kill -0 "$1" 2>/dev/null; then
            return "$code"
        fi
    done
}

# Port numbers of 0 are chosen by Ray, so jobs on one node do not collide.
ray_options=(--num-cpus="$processors" --dashboard-agent-listen-port=0 --disable-usage-stats --block)
if ((${SLURM_MEM_PER_NODE:-0} > 0)); then
    # Ray sees the memory of the whole node, not the job's. A fifth is for objects.
    bytes=$((SLURM_MEM_PER_NODE * 1024 * 1024))
    ray_options+=(--memory=$((bytes * 7 / 10)) --object-store-memory=$((bytes / 5)))
fi
# Some systems give the name of a machine a loopback address, which other nodes cannot reach.
own_address=$(getent ahostsv4 "$head" | awk '$1 !~ /^127[.]/ { print $1; exit }' || true)
head_options=(--head --port=0 --include-dashboard=false --temp-dir="$place")
if [[ -n $own_address ]]; then
    head_options+=(--node-ip-address="$own_address")
fi

# Without process groups of their own, background commands of scripts ignore the SIGINT by which they save their state.
set -m
ray start "${head_options[@]}" "${ray_options[@]}" &
head_process=$!
for ((second = 0; second < @seconds@; second++)); do
    [[ -s $place/ray_current_cluster ]] && break
    kill -0 "$head_process" || { echo "Ray did not start on $head." >&2; exit 1; }
    sleep 1
done
address=$(<"$place/ray_current_cluster")

if ((nodes > 1)); then
    srun --nodes=$((nodes - 1)) --ntasks=$((nodes - 1)) --ntasks-per-node=1 --exclude="$head" \
        --cpus-per-task="$processors" --kill-on-bad-exit=0 \
        ray start --address="$address" --temp-dir="$place" "${ray_options[@]}" &
    workers_process=$!
fi

# The command begins when all nodes have joined.
python3 - "$address" "$nodes" <<'PYTHON' &
import sys, time
import ray

address, nodes = sys.argv[1], int(sys.argv[2])
ray.init(address=address, log_to_driver=False, logging_level="error")
deadline = time.monotonic() + @seconds@
while (found := sum(node["Alive"] for node in ray.nodes())) < nodes:
    if time.monotonic() > deadline:
        sys.exit(f"Only {found} of {nodes} nodes joined Ray within @seconds@ seconds.")
    time.sleep(1)
PYTHON
command_process=$!
wait_for "$command_process"

# shellcheck disable=SC2016 # words in quotes are passed on as they are
@command@ --engine ray --ray-address "$address" &
command_process=$!
code=0
wait_for "$command_process" || code=$?
command_process=''

if [[ $stopped == USR1 ]] && ((code != 0)); then
    if ((${SLURM_RESTART_COUNT:-0} < @requeues@)); then
        echo "The time limit is near: the state is saved, and the job is queued again." >&2
        end_ray
        trap - EXIT
        scontrol requeue "$SLURM_JOB_ID"
        exit 0
    fi
    echo "The time limit is near: the state is saved. Submit the script again to go on." >&2
fi
exit "$code"

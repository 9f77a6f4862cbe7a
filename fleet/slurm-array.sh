#!/bin/sh
# One array task a bundle, all into one lake on a file system that all nodes share:
#
#   ls /evidence/*.tar.gz > list.txt
#   sbatch --array=0-$(($(wc -l < list.txt) - 1))%200 fleet/slurm-array.sh list.txt /shared/lake [option of analyze...]
#
# A site's largest array (MaxArraySize) may be below 10,000: submit ranges of the list then. A task that failed may be
# submitted again, as may all: cases that are in the lake stay as they are.
#SBATCH --job-name=coldcase
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=02:00:00
#SBATCH --requeue
set -eu

list=$1
lake=$2
shift 2
# Slurm runs a copy of this file: the program beside it is found by the folder of submission.
here=${FLEET:-${SLURM_SUBMIT_DIR:-.}/fleet}
exec "$here/ingest-one.sh" --index "$SLURM_ARRAY_TASK_ID" "$list" "$lake" --threads "${SLURM_CPUS_PER_TASK:-2}" "$@"

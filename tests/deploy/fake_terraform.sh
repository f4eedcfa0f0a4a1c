#!/usr/bin/env bash
# Stands in for Terraform: notes its calls, and hangs in the one that HANG names until it is interrupted.
command=$1
echo "$*" >> "$CALLS"
interrupted() {
    echo "$command interrupted" >> "$CALLS"
    sleep 0.5
    echo "$command released the lock" >> "$CALLS"
    exit 1
}
trap interrupted INT
if [ "$command" = "${HANG:-}" ]; then
    echo "$command hangs" >> "$CALLS"
    while true; do sleep 0.05; done
fi
case $command in
    version) echo '{"terraform_version": "1.11.4"}' ;;
    plan) touch deploy.tfplan; exit "${PLAN_STATUS:-2}" ;;
    show) cat "$PLAN_JSON" ;;
    apply) echo "${APPLY_MESSAGE:-}"; exit "${APPLY_STATUS:-0}" ;;
    output) echo "${OUTPUTS:-{\}}" ;;
esac

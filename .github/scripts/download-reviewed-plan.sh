#!/usr/bin/env bash
# Puts the plan that was reviewed with the pull request of this commit into the stack's folder, or stops and
# says why it cannot be applied. Needs GH_TOKEN, GH_REPO, GITHUB_SHA and ENVIRONMENT_SUFFIX.
set -euo pipefail

stop() {
  echo "::error::Not applied: $1"
  exit 1
}

head=$(gh api "repos/$GH_REPO/commits/$GITHUB_SHA/pulls" \
  --jq 'map(select(.merge_commit_sha == env.GITHUB_SHA)) | .[0].head.sha // empty')
[ -n "$head" ] || stop "this commit is not the merge of a pull request"

run=$(gh run list --workflow plan.yml --event pull_request --commit "$head" --status completed --limit 1 \
  --json databaseId --jq '.[0].databaseId // empty')
[ -n "$run" ] || stop "there is no plan of the pull request"

# The job that made this stack's plan: the comment, or another stack, may have failed without any harm to it.
conclusion=$(gh run view "$run" --json jobs \
  --jq '.jobs[] | select(.name == "plan " + env.ENVIRONMENT_SUFFIX) | .conclusion')
[ "$conclusion" = success ] || stop "the plan of the pull request did not pass its review"

folder=$(python3 -m tools.review.stack_folder)
gh run download "$run" --name "plan-$ENVIRONMENT_SUFFIX" --dir "$folder" ||
  stop "the reviewed plan cannot be downloaded; if it has expired, open a pull request for a new one"

# A plan of other code than main now holds; of other state than there is now, Terraform itself refuses it.
[ "$(cat "$folder/tree")" = "$(git rev-parse 'HEAD^{tree}')" ] ||
  stop "the reviewed plan is stale: it was made from other code than is on main now"

#!/usr/bin/env bash
# `*/` in .dvcignore ignores nothing, where the same line in .gitignore ignores every folder.
#
# Seen with dvc 3.67.1 and pathspec 1.1.1 (and git 2.39). DVC's documentation says that .dvcignore follows .gitignore's
# patterns. pathspec translates `*/` (and `**/`) to the expression `/`, which is meant to be searched for; DVC matches it
# at a path's beginning, where no `/` stands. Expected: the folder `out` is passed over by both.
# Exits with 0 while that is so, 1 once it has changed, 2 where it can't be tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v uv >/dev/null && command -v git >/dev/null || { echo "needs uv and git"; exit 2; }
uv venv -q venv && uv pip install -q -p venv/bin/python dvc==3.67.1 pathspec==1.1.1 || exit 2
export DVC_NO_ANALYTICS=1
mkdir repository && cd repository
git init -q . && ../venv/bin/dvc init -q
mkdir out && touch out/a.csv
for pattern in '*/' 'out/'; do
    echo "$pattern" > .gitignore
    echo "$pattern" > .dvcignore
    git check-ignore -q out && git="ignored" || git="not ignored"
    ../venv/bin/dvc check-ignore -q out >/dev/null 2>&1 && dvc="ignored" || dvc="not ignored"
    echo "$pattern: git: $git; dvc: $dvc"
    [ "$pattern" != '*/' ] || seen="$git, $dvc"
done
[ "$seen" = "ignored, not ignored" ]

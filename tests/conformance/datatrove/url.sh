#!/usr/bin/env bash
# Compares `url_lists@datatrove` with datatrove's URLFilter, URL by URL:
#   tests/conformance/datatrove/url.sh DOMAINS URLS FILE...
# DOMAINS and URLS are lists to block, as in the package's assets/url_filterblacklistsv0_3_0.tar.gz; of
# FILEs, plain or .zst, every URL in the text is judged. Exits 1 below 99.5 % agreement.
source "$(dirname "$0")/../common.sh"
paths "$@"
packages datatrove==0.10.1 tldextract==5.4.0 pyahocorasick fasteners zstandard
example wanjuan-filters judge_urls
"$PYTHON" "$here/url.py" "$BINARY" "${files[@]}"

#!/bin/sh
# Ask a Certificate Services web page for a certificate with curl, sed and grep only, in the manner
# scripts have done it for years: post the request, cut the number out of the page, fetch by number.
#
# Usage: request_certificate.sh URL USER:PASSWORD REQUEST.pem TEMPLATE CA.pem OUTPUT.pem
# Exit status: 0 issued, 2 waits for a manager, 3 denied, 4 not signed in, 1 anything else.
set -eu
url=$1 credentials=$2 request=$3 template=$4 ca=$5 output=$6

page=$(mktemp)
trap 'rm -f "$page"' EXIT

ask() {
    # Compression is asked for and never decoded: servers must not mind.
    curl --silent --show-error --cacert "$ca" --user "$credentials" \
        --header 'Accept: text/html' --header 'Accept-Encoding: gzip, deflate' \
        --user-agent 'Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Firefox/102.0' "$@"
}

status=$(ask --output "$page" --write-out '%{http_code}' "$url/certrqxt.asp")
if [ "$status" = 401 ]; then
    grep -o '<title>401.*</title>' "$page" >&2
    exit 4
fi

# A "+" that is not escaped arrives as a blank.
encoded=$(tr -d '\n\r' <"$request" | sed 's/+/%2B/g; s/ /+/g')
ask --output "$page" "$url/certfnsh.asp" \
    --data "Mode=newreq&CertRequest=$encoded&CertAttrib=CertificateTemplate:$template" \
    --data 'TargetStoreFlags=0&SaveCert=yes&ThumbPrint='

# The way of one family: the first line that says location="certnew.cer?ReqID=…
link=$(grep -A 1 'function handleGetCert() {' "$page" | tail -n 1 | cut -d '"' -f 2)
case $link in
certnew.cer\?ReqID=*) ;;
*)
    if grep -q 'Certificate Pending' "$page"; then
        sed -n 's/.*Your Request Id is \([0-9]*\)\..*/\1/p' "$page" | head -n 1
        exit 2
    fi
    grep -o 'The disposition message is "[^"]*' "$page" >&2 && exit 3
    exit 1
    ;;
esac
ask --output "$output" "$url/${link}Enc=b64"

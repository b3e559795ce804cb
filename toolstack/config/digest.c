/* SPDX-License-Identifier: MIT */
/* SHA-256, by OpenSSL. A module: see lib/late.h. */

#include <openssl/evp.h>

#include "internal.h"

bool sha256(const void *bytes, size_t size, uint8_t digest[SHA256_BYTES])
{
	unsigned int len = SHA256_BYTES;

	return EVP_Digest(bytes, size, digest, &len, EVP_sha256(), NULL) && len == SHA256_BYTES;
}

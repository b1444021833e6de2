// SPDX-License-Identifier: Apache-2.0
/*
 * Linked into the static program only, where ld's --wrap puts them in the place of glibc's functions.
 *
 * libevent and libcap-ng contain calls that lastout never makes: it resolves no host names and looks up no
 * users or groups. Linked statically, glibc's functions load NSS modules of the host, and ld warns about each
 * of them. Without those calls there is no warning left, and tools/link-flags makes warnings errors.
 */
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stddef.h>

int __wrap_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret_info)
{
	(void)name;
	(void)service;
	(void)hints;
	(void)ret_info;
	return EAI_FAIL;
}

void __wrap_freeaddrinfo(struct addrinfo *info)
{
	(void)info;
}

struct protoent *__wrap_getprotobynumber(int number)
{
	(void)number;
	return NULL;
}

struct servent *__wrap_getservbyname(const char *name, const char *protocol)
{
	(void)name;
	(void)protocol;
	return NULL;
}

struct passwd *__wrap_getpwuid(uid_t uid)
{
	(void)uid;
	errno = ENOSYS;
	return NULL;
}

int __wrap_getpwuid_r(uid_t uid, struct passwd *buffer, char *text, size_t size,
		      struct passwd **ret_user)
{
	(void)uid;
	(void)buffer;
	(void)text;
	(void)size;
	*ret_user = NULL;
	return ENOSYS;
}

int __wrap_initgroups(const char *user, gid_t group)
{
	(void)user;
	(void)group;
	errno = ENOSYS;
	return -1;
}

int __wrap_getgrouplist(const char *user, gid_t group, gid_t *ret_groups, int *ret_count)
{
	(void)user;
	(void)group;
	(void)ret_groups;
	*ret_count = 0;
	return -1;
}

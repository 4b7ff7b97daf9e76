// SPDX-License-Identifier: GPL-2.0
/// Add dref_exit() where an object is freed that was initialised and never put, as an error
/// path does whose object nobody else has seen. kref and refcount_t need nothing there, so run
/// this after their conversion. The object may come from a function that initialises and
/// returns it, if the caller has compared it with NULL. A kfree() is left alone if other paths
/// lead to it, on which the object is NULL or not initialised: free-without-exit.cocci
/// reports that, if it is in the function that initialises the object.
///
/// Look at each result: if other code can find the object by then, dref_exit() fails. If the
/// object holds another one, drop that reference, which its release() does not do here.
///
/// spatch --sp-file tools/coccinelle/unpublished-to-exit.cocci --in-place FILE.c... FILE.h...
//
// Options: --no-includes

virtual patch

@initialize:python@
@@
nothing = "__nothing"	# an identifier that matches nothing
unpublished = {}	# place of a kfree(): the member of the object
creators = set()	# functions that return an object
shared = set()	# places of a kfree() to which other paths lead, too

def place(position):
    return position[0].file, int(position[0].line), int(position[0].column)

@script:python@
@@
for found in unpublished, creators, shared:
    found.clear()

@creates exists@
identifier create, member;
local idexpression object;
@@
create(...)
{
	... when any
	dref_init(&object->member, ...)
	... when any
	return object;
}

@freed_created exists@
identifier creates.create, creates.member;
expression object;
statement S;
position p;
@@
object = create(...);
if (\(!object\|unlikely(!object)\|object == NULL\)) S
... when != \(dref_put\|dref_kill\|dref_exit\)(&object->member)
    when != object = ...
\(kfree@p\|kvfree@p\|kfree_sensitive@p\|kmem_cache_free@p\)(..., object)

@made@
identifier member;
expression object;
@@
dref_init(&object->member, ...)

@freed_here exists@
identifier made.member;
expression made.object;
position p;
@@
dref_init(&object->member, ...)
... when != \(dref_put\|dref_kill\|dref_exit\)(&object->member)
    when != object = ...
\(kfree@p\|kvfree@p\|kfree_sensitive@p\|kmem_cache_free@p\)(..., object)

@freed_before exists@
identifier made.member, allocate;
expression object;
position p;
@@
object = allocate(...)
... when != dref_init(&object->member, ...)
    when != object = ...
\(kfree@p\|kvfree@p\|kfree_sensitive@p\|kmem_cache_free@p\)(..., object)

@is_null@
identifier out;
expression object;
@@
if (\(!object\|unlikely(!object)\|object == NULL\))
{ ... goto out; }

@freed_null exists@
identifier is_null.out;
expression is_null.object;
position p;
@@
out:
... when != object = ...
\(kfree@p\|kvfree@p\|kfree_sensitive@p\|kmem_cache_free@p\)(..., object)

@script:python@
member << creates.member;
p << freed_created.p;
@@
unpublished[place(p)] = member

@script:python@
member << made.member;
p << freed_here.p;
@@
unpublished[place(p)] = member

@script:python@
create << creates.create;
@@
creators.add(create)

@script:python@
allocate << freed_before.allocate;
p << freed_before.p;
@@
if allocate not in creators:
    shared.add(place(p))

@script:python@
p << freed_null.p;
@@
shared.add(place(p))

@frees@
identifier free = {kfree, kvfree, kfree_sensitive, kmem_cache_free};
position p;
@@
free@p(...)

@script:python exit@
free << frees.free;
p << frees.p;
chosen;
member;
@@
found = place(p) in unpublished and place(p) not in shared
coccinelle.chosen = cocci.make_ident(free if found else nothing)
coccinelle.member = cocci.make_ident(unpublished[place(p)] if found else nothing)

@@
expression object;
identifier exit.chosen, exit.member;
position frees.p;
@@
(
+ dref_exit(&object->member);
  chosen@p(object);
|
+ dref_exit(&object->member);
  chosen@p(..., object);
)

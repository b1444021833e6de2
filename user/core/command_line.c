// SPDX-License-Identifier: Apache-2.0
#include "core/command_line.h"

#include <ctype.h>
#include <string.h>

/* --- arguments --- */

void command_line_set(struct command_line *line, const char *bytes, size_t size)
{
	size_t kept = size < COMMAND_LINE_SIZE ? size : COMMAND_LINE_SIZE;

	memset(line, 0, sizeof(*line));
	line->answer = size ? ANSWER_VALUE : ANSWER_NONE;
	memcpy(line->bytes, bytes, kept);
	line->size = (uint16_t)kept;
	line->is_cut = kept == COMMAND_LINE_SIZE && (size > kept || bytes[kept - 1]);
}

void command_line_add(struct command_line *line, const char *argument)
{
	size_t len = strlen(argument) + 1, room = COMMAND_LINE_SIZE - line->size;

	line->answer = ANSWER_VALUE;
	if (line->is_cut)
		return;
	line->is_cut = len > room;
	if (len > room)
		len = room;
	memcpy(line->bytes + line->size, argument, len);
	line->size = (uint16_t)(line->size + len);
}

const char *command_line_argument(const struct command_line *line, unsigned number)
{
	size_t at = 0;

	for (; at < line->size; number--) {
		size_t end = at + strlen(line->bytes + at);

		if (number == 0)
			return end >= line->size && line->is_cut ? NULL : line->bytes + at;
		at = end + 1;
	}
	return NULL;
}

const char *command_line_last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *command_line_base_name(const struct command_line *line)
{
	const char *first = command_line_argument(line, 0);

	return first ? command_line_last_part(first) : "";
}

/* --- interpreters --- */

/* How an interpreter's options are read: lists of words, each with a blank before and after. */
struct grammar {
	const char *name; /* a version may follow: python3.11 */
	enum interpreter kind;
	const char *with_value; /* letters of the short options that a value follows, here or next */
	const char *inlined;	/* letters of those that mean: the code is on the command line */
	char module;		/* letter of the one that names a module or a script; 0: none */
	const char *long_with_value; /* long options whose value is the next argument */
	const char *long_inlined;
	const char *long_module;
	const char *command; /* a word that may stand before the script */
};

/* Java's options have one dash and many letters. */
#define JAVA_WITH_VALUE \
	" -cp -classpath --class-path -p --module-path --add-modules --add-exports --add-opens "

static const struct grammar grammars[] = {
	{"sh", INTERPRETER_SHELL, "oO", "cs", 0, " --rcfile --init-file ", "", "", ""},
	{"bash", INTERPRETER_SHELL, "oO", "cs", 0, " --rcfile --init-file ", "", "", ""},
	{"dash", INTERPRETER_SHELL, "o", "cs", 0, "", "", "", ""},
	{"ash", INTERPRETER_SHELL, "o", "cs", 0, "", "", "", ""},
	{"ksh", INTERPRETER_SHELL, "o", "cs", 0, "", "", "", ""},
	{"mksh", INTERPRETER_SHELL, "o", "cs", 0, "", "", "", ""},
	{"zsh", INTERPRETER_SHELL, "o", "cs", 0, "", "", "", ""},
	{"fish", INTERPRETER_SHELL, "C", "c", 0, " --init-command ", " --command ", "", ""},
	{"python", INTERPRETER_LANGUAGE, "WXQ", "c", 'm', " --check-hash-based-pycs ", "", "", ""},
	{"pypy", INTERPRETER_LANGUAGE, "WXQ", "c", 'm', "", "", "", ""},
	{"node", INTERPRETER_LANGUAGE, "rC", "ep", 0,
	 " --require --import --loader --experimental-loader --conditions --env-file --title ",
	 " --eval --print ", "", ""},
	{"nodejs", INTERPRETER_LANGUAGE, "rC", "ep", 0, " --require --import --loader ",
	 " --eval --print ", "", ""},
	{"bun", INTERPRETER_LANGUAGE, "rd", "ep", 0, " --preload --cwd ", " --eval --print ", "",
	 "run"},
	{"deno", INTERPRETER_LANGUAGE, "c", "", 0, " --config --import-map ", "", "", "run"},
	{"ruby", INTERPRETER_LANGUAGE, "rICE", "e", 0, "", "", "", ""},
	{"perl", INTERPRETER_LANGUAGE, "I", "eE", 0, "", "", "", ""},
	{"php", INTERPRETER_LANGUAGE, "cdtz", "rBRES", 'f',
	 " --php-ini --define --docroot --zend-extension ", " --run --server ", " --file ", ""},
	{"lua", INTERPRETER_LANGUAGE, "l", "e", 0, "", "", "", ""},
	{"luajit", INTERPRETER_LANGUAGE, "lj", "e", 0, "", "", "", ""},
	{"Rscript", INTERPRETER_LANGUAGE, "", "e", 0, "", "", "", ""},
	{"tclsh", INTERPRETER_LANGUAGE, "", "", 0, " -encoding ", "", "", ""},
	{"guile", INTERPRETER_LANGUAGE, "Lx", "c", 0, "", "", "", ""},
	{"java", INTERPRETER_LANGUAGE, "", "", 0, JAVA_WITH_VALUE, "", " -jar -m --module ", ""},
	{"dotnet", INTERPRETER_LANGUAGE, "", "", 0, " --additionalprobingpath --fx-version ", "",
	 "", "exec"},
};

/* What may follow an interpreter's name: `3`, `3.11`, `-3.11`, `5.36-x86_64`. */
static bool is_version(const char *text)
{
	if (*text == '-')
		text++;
	return !*text || isdigit((unsigned char)*text);
}

static const struct grammar *find_grammar(const char *name)
{
	if (*name == '-') /* a login shell */
		name++;
	for (size_t i = 0; i < sizeof(grammars) / sizeof(grammars[0]); i++) {
		size_t len = strlen(grammars[i].name);

		if (strncmp(name, grammars[i].name, len) == 0 && is_version(name + len))
			return &grammars[i];
	}
	return NULL;
}

enum interpreter command_line_interpreter(const char *name)
{
	const struct grammar *grammar = find_grammar(name);

	return grammar ? grammar->kind : INTERPRETER_NONE;
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);
	const char *at = words;

	while (len && (at = strstr(at, word))) {
		if (at > words && at[-1] == ' ' && at[len] == ' ')
			return true;
		at += len;
	}
	return false;
}

enum option {
	OPTION_FLAG,
	OPTION_WITH_VALUE, /* the next argument is its value */
	OPTION_INLINED,
	OPTION_MODULE, /* the next argument names the program */
};

static enum option read_long_option(const struct grammar *grammar, const char *option)
{
	if (has_word(grammar->long_with_value, option))
		return OPTION_WITH_VALUE;
	if (has_word(grammar->long_inlined, option))
		return OPTION_INLINED;
	return has_word(grammar->long_module, option) ? OPTION_MODULE : OPTION_FLAG;
}

/* `-uc`, `-Wignore`, `-um module`: several letters in one, of which the last may have a value. */
static enum option read_letters(const struct grammar *grammar, const char *letters,
				const char **ret_module)
{
	for (; *letters; letters++) {
		if (strchr(grammar->inlined, *letters))
			return OPTION_INLINED;
		if (*letters == grammar->module) {
			*ret_module = letters[1] ? letters + 1 : NULL;
			return OPTION_MODULE;
		}
		if (strchr(grammar->with_value, *letters))
			return letters[1] ? OPTION_FLAG : OPTION_WITH_VALUE;
	}
	return OPTION_FLAG;
}

static enum option read_option(const struct grammar *grammar, const char *option,
			       const char **ret_module)
{
	enum option as_long = read_long_option(grammar, option);
	bool is_short = option[0] != '-' || option[1] != '-';

	*ret_module = NULL;
	return as_long == OPTION_FLAG && is_short ? read_letters(grammar, option + 1, ret_module) :
						    as_long;
}

static bool is_option(const struct grammar *grammar, const char *argument)
{
	return argument[0] == '-' || (argument[0] == '+' && grammar->kind == INTERPRETER_SHELL);
}

/* The name in that argument; "": there is none; NULL: what there is was cut off. */
static const char *name_in(const struct command_line *line, unsigned number)
{
	const char *argument = command_line_argument(line, number);

	if (argument)
		return command_line_last_part(argument);
	return line->is_cut ? NULL : "";
}

/* What the interpreter whose name is argument `number` runs, as name_in. */
static const char *find_script(const struct command_line *line, const struct grammar *grammar,
			       unsigned number)
{
	const char *argument, *module;

	while ((argument = command_line_argument(line, ++number))) {
		if (strcmp(argument, "--") == 0)
			return name_in(line, number + 1);
		if (!is_option(grammar, argument)) {
			if (strcmp(argument, grammar->command) != 0)
				return command_line_last_part(argument);
			continue;
		}
		if (strcmp(argument, "-") == 0)
			return ""; /* standard input */
		switch (read_option(grammar, argument, &module)) {
		case OPTION_FLAG:
			break;
		case OPTION_WITH_VALUE:
			number++;
			break;
		case OPTION_INLINED:
			return "";
		case OPTION_MODULE:
			return module ? module : name_in(line, number + 1);
		}
	}
	return name_in(line, number);
}

/* As name_in. */
static const char *find_program(const struct command_line *line)
{
	const char *name = name_in(line, 0);
	const struct grammar *grammar;
	unsigned number = 0;

	/* `busybox sh`, `busybox init`: the applet is the program. */
	if (name && strcmp(name, "busybox") == 0 && command_line_argument(line, 1))
		name = name_in(line, ++number);
	grammar = name ? find_grammar(name) : NULL;
	return grammar ? find_script(line, grammar, number) : name;
}

const char *command_line_program(const struct command_line *line)
{
	const char *name = find_program(line);

	return name ? name : "";
}

bool command_line_is_unread(const struct command_line *line)
{
	return line->answer == ANSWER_UNREADABLE || !find_program(line);
}

// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum value_kind {
	VALUE_NONE,
	VALUE_FILE,
	VALUE_FOLDER,
	VALUE_WORD, /* nothing that a shell could know */
};

static bool is_file(const char *value)
{
	return strcmp(value, "FILE") == 0 || strcmp(value, "PATH") == 0;
}

static enum value_kind value_kind(const struct option_row *row)
{
	if (!row->value)
		return VALUE_NONE;
	if (is_file(row->value))
		return VALUE_FILE;
	return strcmp(row->value, "DIR") == 0 ? VALUE_FOLDER : VALUE_WORD;
}

/* Prints the functions of the shell that do not depend on the tables. */
static void print_containers(void)
{
	/*
	 * Ids and names of the containers that the agent knows; nothing where it cannot be asked. A
	 * name is chosen by whoever made the container, and what is completed is executed: only
	 * names that no shell sees more in than a word are offered.
	 */
	(void)fputs("_lastout_containers() {\n"
		    "\tlocal id name rest word\n"
		    "\t\"$1\" ps 2>/dev/null | while read -r id name rest; do\n"
		    "\t\tfor word in \"$id\" \"$name\"; do\n"
		    "\t\t\tcase $word in\n"
		    "\t\t\t'' | - | ID | NAME | -* | *[!A-Za-z0-9_.-]*) ;;\n"
		    "\t\t\t*) printf '%s\\n' \"$word\" ;;\n"
		    "\t\t\tesac\n"
		    "\t\tdone\n"
		    "\tdone\n"
		    "}\n\n",
		    stdout);
}

/* --- bash --- */

static void print_names(const struct command *command, const char *variable, enum value_kind kind)
{
	printf("\t\t%s='", variable);
	for (const struct option_row *row = command_options(command); row->name; row++) {
		if (kind != VALUE_NONE && value_kind(row) != kind)
			continue;
		printf(" --%s", row->name);
		if (row->letter)
			printf(" -%c", row->letter);
	}
	if (kind == VALUE_NONE)
		printf(" --help -h");
	printf(" '\n");
}

static void print_bash_command(const struct command *command)
{
	printf("\t%s)\n", command->name);
	print_names(command, "options", VALUE_NONE);
	print_names(command, "files", VALUE_FILE);
	print_names(command, "folders", VALUE_FOLDER);
	print_names(command, "words", VALUE_WORD);
	if (command->operand.name)
		printf("\t\toperand=%s\n", command->operand.name);
	printf("\t\t;;\n");
}

static void print_bash(const struct command *const *commands, int count)
{
	printf("# bash completion for lastout; made by `lastout completion bash`\n\n");
	print_containers();
	(void)fputs("_lastout() {\n"
		    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
		    "\tlocal options='' files='' folders='' words='' operand='' commands\n"
		    "\tCOMPREPLY=()\n"
		    "\tcommands='",
		    stdout);
	for (int i = 0; i < count; i++)
		printf(" %s", commands[i]->name);
	(void)fputs(" --help --version'\n"
		    "\tif ((COMP_CWORD == 1)); then\n"
		    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$cur\")\n"
		    "\t\treturn\n"
		    "\tfi\n"
		    "\tcase ${COMP_WORDS[1]} in\n",
		    stdout);
	for (int i = 0; i < count; i++)
		print_bash_command(commands[i]);
	(void)fputs("\t*) return ;;\n"
		    "\tesac\n"
		    "\tif [[ $files == *\" $prev \"* ]]; then\n"
		    "\t\tcompopt -o filenames\n"
		    "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
		    "\telif [[ $folders == *\" $prev \"* ]]; then\n"
		    "\t\tcompopt -o filenames\n"
		    "\t\tmapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n"
		    "\telif [[ $words == *\" $prev \"* ]]; then\n"
		    "\t\t:\n"
		    "\telif [[ $cur == -* || -z $operand ]]; then\n"
		    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
		    "\telif [[ $operand != CONTAINER ]]; then\n"
		    "\t\tcompopt -o filenames\n"
		    "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
		    "\telse\n"
		    "\t\tmapfile -t COMPREPLY < <(_lastout_containers \"${COMP_WORDS[0]}\" |\n"
		    "\t\t\twhile read -r word; do\n"
		    "\t\t\t\t[[ $word != \"$cur\"* ]] || printf '%s\\n' \"$word\"\n"
		    "\t\t\tdone)\n"
		    "\tfi\n"
		    "}\n"
		    "complete -F _lastout lastout\n",
		    stdout);
}

/* --- zsh --- */

/* Inside single quotes, where _arguments and _describe see more in brackets and colons. */
static void print_zsh_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			(void)fputs("'\\''", stdout);
		else if (strchr("[]:\\", *text))
			printf("\\%c", *text);
		else
			(void)putchar(*text);
	}
}

static void print_zsh_option(const struct option_row *row)
{
	static const char *const actions[] = {
		[VALUE_FILE] = "_files", [VALUE_FOLDER] = "_files -/", [VALUE_WORD] = ""};

	if (row->letter)
		printf(" \\\n\t\t\t'*'{-%c,--%s}'[", row->letter, row->name);
	else
		printf(" \\\n\t\t\t'*--%s[", row->name);
	print_zsh_text(row->help);
	(void)putchar(']');
	if (row->value) {
		(void)putchar(':');
		print_zsh_text(row->value);
		printf(":%s", actions[value_kind(row)]);
	}
	(void)putchar('\'');
}

static void print_zsh_command(const struct command *command)
{
	printf("\t%s)\n\t\t_arguments", command->name);
	for (const struct option_row *row = command_options(command); row->name; row++)
		print_zsh_option(row);
	printf(" \\\n\t\t\t'(-h --help)'{-h,--help}'[show this and end]'");
	if (command->operand.name)
		printf(" \\\n\t\t\t'1:%s:%s'", command->operand.name,
		       is_file(command->operand.name) ? "_files" : "_lastout_operand");
	printf("\n\t\t;;\n");
}

static void print_zsh(const struct command *const *commands, int count)
{
	printf("#compdef lastout\n# Made by `lastout completion zsh`.\n\n");
	print_containers();
	(void)fputs("_lastout_operand() {\n"
		    "\tlocal -a containers\n"
		    "\tcontainers=(${(f)\"$(_lastout_containers $program)\"})\n"
		    "\tcompadd -a containers\n"
		    "}\n\n"
		    "_lastout() {\n"
		    "\tlocal program=$words[1]\n"
		    "\tlocal -a commands\n"
		    "\tcommands=(",
		    stdout);
	for (int i = 0; i < count; i++) {
		printf("\n\t\t'%s:", commands[i]->name);
		print_zsh_text(commands[i]->summary);
		(void)putchar('\'');
	}
	(void)fputs("\n\t)\n"
		    "\tif ((CURRENT == 2)); then\n"
		    "\t\t_describe command commands\n"
		    "\t\treturn\n"
		    "\tfi\n"
		    "\tshift words\n"
		    "\t((CURRENT--))\n"
		    "\tcase $words[1] in\n",
		    stdout);
	for (int i = 0; i < count; i++)
		print_zsh_command(commands[i]);
	(void)fputs("\tesac\n"
		    "}\n\n"
		    "_lastout \"$@\"\n",
		    stdout);
}

int completion_print(const struct command *const *commands, int count, const char *shell)
{
	if (shell && strcmp(shell, "bash") == 0)
		print_bash(commands, count);
	else if (shell && strcmp(shell, "zsh") == 0)
		print_zsh(commands, count);
	else {
		complain("completion", "give the name of a shell: bash or zsh");
		return EXIT_USAGE;
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_DONE : EXIT_FAILED;
}

# Judges the messages 0.eml, 1.eml, ... of a folder with Debian's SpamAssassin and prints the names of the rules that each
# hits, a line of JSON each: perl spamassassin.pl FOLDER COUNT HOME
use strict;
use warnings;
use JSON::PP;
use Mail::SpamAssassin;

my ($folder, $count, $home) = @ARGV;
my $judge = Mail::SpamAssassin->new({
    local_tests_only => 1,
    dont_copy_prefs => 1,
    userprefs_filename => "$home/none",
    userstate_dir => $home,
    home_dir_for_helpers => $home,
    # Nothing is learned, nothing remembered,
    # and the rules that look at words still are left out as the others below.
    post_config_text => "use_bayes 0\nuse_auto_welcomelist 0\nskip_rbl_checks 1\n"
        . "score EMPTY_MESSAGE 0\nscore TVD_SPACE_RATIO 0\n",
});
$judge->init(1);
# The words of the texts are what the sender wants to say: only the rules about their form and the header stay.
$judge->{conf}{$_} = {} for qw(body_tests rawbody_tests full_tests uri_tests);
my $json = JSON::PP->new->utf8;
for my $number (0 .. $count - 1) {
    open my $file, '<:raw', "$folder/$number.eml" or die "$folder/$number.eml: $!";
    my $message = $judge->parse([<$file>], 1);
    my $status = $judge->check($message);
    print $json->encode([sort split /,/, $status->get_names_of_tests_hit]), "\n";
    $status->finish;
    $message->finish;
}

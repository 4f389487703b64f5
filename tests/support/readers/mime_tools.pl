# Reads the messages 0.eml, 1.eml, ... of a folder with MIME::Tools and Email::Address::XS and prints what reading.py
# calls a Reading, a line of JSON each: perl mime_tools.pl FOLDER COUNT
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Email::Address::XS qw(parse_email_groups);
use Encode qw(decode);
use JSON::PP;
use MIME::Parser;

my %is_address = map { $_ => 1 } qw(from sender to cc reply-to disposition-notification-to);
my $json = JSON::PP->new->utf8;

sub words { decode('MIME-Header', $_[0] // '') }

sub person { [words($_[0]->phrase), $_[0]->address] }

sub people {
    my @groups = parse_email_groups($_[0]);
    my @found;
    while (my ($name, $members) = splice @groups, 0, 2) {
        my @people = map { person($_) } @$members;
        push @found, defined $name ? [words($name), \@people] : @people;
    }
    return \@found;
}

sub fields {
    my ($head) = @_;
    my %fields;
    for my $tag ($head->tags) {
        my $value = $head->get($tag, 0);
        $value =~ s/\r?\n//g;
        $value =~ s/^[ \t]+//;
        $fields{lc $tag} = $is_address{lc $tag} ? people($value) : words($value);
    }
    return \%fields;
}

sub text {
    my ($entity) = @_;
    my $text = decode($entity->head->mime_attr('content-type.charset') || 'us-ascii', $entity->bodyhandle->as_string);
    $text =~ s/\r\n/\n/g;
    return $text;
}

sub is_text {
    my ($entity, $type) = @_;
    my $disposition = $entity->head->mime_attr('content-disposition') || 'inline';
    return $entity->mime_type eq $type && $disposition eq 'inline' && !defined $entity->head->recommended_filename;
}

sub part {
    my ($entity) = @_;
    my $octets = $entity->bodyhandle->as_string;
    # MIME::Tools gives lines in LF, of whatever encoding that knows lines.
    $octets =~ s/\r?\n/\r\n/g if $entity->head->mime_encoding ne 'base64';
    my $id = $entity->head->get('content-id') // '';
    $id =~ s/\s+//g;
    return {
        type => $entity->mime_type,
        name => $entity->head->recommended_filename // '',
        sha256 => sha256_hex($octets),
        content_id => $id,
        message => $entity->mime_type eq 'message/rfc822' ? reading($octets) : undef,
    };
}

sub reading {
    my ($octets) = @_;
    my $parser = MIME::Parser->new;
    $parser->output_to_core(1);
    $parser->tmp_to_core(1);
    $parser->extract_nested_messages(0);    # they are read as any other
    $parser->extract_uuencode(0);
    $parser->max_parts(-1);
    my $top = $parser->parse_data($octets);
    my %reading = (fields => fields($top->head), text => '', html => '', parts => []);
    for my $leaf (grep { defined $_->bodyhandle } $top->parts_DFS) {
        my ($kind) = grep { is_text($leaf, "text/$_") } qw(plain html);
        if (!$kind) { push @{ $reading{parts} }, part($leaf); next }
        my $key = $kind eq 'plain' ? 'text' : 'html';
        $reading{$key} .= text($leaf);
        my $format = $leaf->head->mime_attr('content-type.format') // '';
        $reading{flowed} = lc($leaf->head->mime_attr('content-type.delsp') // 'no') if lc $format eq 'flowed';
    }
    return \%reading;
}

my ($folder, $count) = @ARGV;
for my $number (0 .. $count - 1) {
    open my $file, '<:raw', "$folder/$number.eml" or die "$folder/$number.eml: $!";
    local $/ = undef;
    print $json->encode(reading(scalar <$file>)), "\n";
}
